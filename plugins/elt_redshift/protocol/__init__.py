"""What programs agree on that run a job, watch it or take its lock: the generated state machines, this package's
commands, Airflow's workers.

Each agreement is spelled out here once, as plain data: who owns a lock, how statements are named, what items hold and
how they are written, statuses, messages and limits. It knows neither AWS's SDK nor Airflow, nor what a job is.
"""
