"""What a job will do, take and cost, known before it runs: estimates, simulation, plan, pictures."""
