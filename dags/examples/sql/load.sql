-- A run that is repeated replaces its own rows.
delete from example_runs where run = :run;

insert into example_runs select :run, sysdate;

select count(*) from example_runs where run = :run;
