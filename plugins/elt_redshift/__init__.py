"""ELT jobs as graphs of SQL tasks on Amazon Redshift, run by Step Functions, triggered and shown by Airflow."""

__version__ = "0.1.0"
