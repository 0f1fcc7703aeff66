delete from orders where year = :year::int;

insert into orders values (:year::int, 1), (:year::int, 2);
