"""What those who deploy, run and follow jobs must be allowed: Airflow, the deployer, the operator."""
