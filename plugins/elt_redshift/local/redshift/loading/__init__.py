"""COPY and UNLOAD: objects of the embedded S3 into tables, and rows into objects.

https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html and r_UNLOAD.html
"""
