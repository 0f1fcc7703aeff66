create table if not exists example_runs (run varchar(250), made timestamp);
