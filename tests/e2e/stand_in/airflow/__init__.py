"""Stands in for Airflow where only its processes matter, which live and die here as there."""
