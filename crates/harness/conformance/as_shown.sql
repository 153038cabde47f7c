-- Turns the world of side 1 into what the contract `ops` shows, done to the data itself: rows filtered
-- away, values masked, what is out of scope dropped. The honest corpus is answered from it directly.
drop schema hr cascade;
drop schema other cascade;
drop server if exists files cascade;
drop server if exists elsewhere cascade;
do $$ declare e text; begin
  for e in select extname from pg_extension where extname <> 'plpgsql' loop execute format('drop extension %I cascade', e); end loop;
end $$;

-- What is the owner's beside tables: views, functions, operators, casts.
drop table clinic.audit_trail cascade;
drop view clinic.everyone, clinic.remarks;
drop materialized view clinic.snapshot;
drop sequence clinic.hidden_numbers;
drop cast (int as clinic.address);
drop operator clinic.=== (text, text);
drop operator clinic.!!! (none, int);
do $$ declare f regprocedure; begin
  for f in select oid::regprocedure from pg_proc where pronamespace in ('clinic'::regnamespace, 'public'::regnamespace) loop
    execute format('drop routine %s cascade', f);
  end loop;
end $$;
drop publication hidden_publication_1;
select lo_unlink(424242);
alter role zq_role_1 reset all;
drop role zq_role_1;

delete from clinic.visits where not visit_id < 100000;
delete from clinic.patients where not ward <> 'VIP';

-- The masks, in PostgreSQL's own words.
update clinic.patients set
  name = left(name, 1) || repeat('*', length(name) - 1),
  id_card = repeat('*', length(id_card) - 4) || right(id_card, 4),
  phone = repeat('*', length(phone) - 4) || right(phone, 4),
  email = null,
  nickname = 'hidden',
  birth_date = make_date(extract(year from birth_date)::int, 1, 1),
  income = income - income % 1000;

comment on column clinic.patients.secret is null;
alter table clinic.patients drop column code, drop column secret, drop column salary, drop column home, drop column diagnosis;
alter table clinic.doctors drop column badge;
alter table lab.samples drop column secret;
drop type clinic.address;

drop schema public;
-- Rows lie in the sequence of their keys again, for statements without an order.
cluster clinic.patients using patients_pkey;
alter table clinic.patients set without cluster;

-- Who owns the owner's things is one word.
create role owner;
alter database hospital owner to owner;
alter schema clinic owner to owner;
alter schema lab owner to owner;
do $$ declare t regclass; begin
  for t in select oid::regclass from pg_class where relkind = 'r' and relnamespace in ('clinic'::regnamespace, 'lab'::regnamespace) loop
    execute format('alter table %s owner to owner', t);
  end loop;
end $$;
alter type clinic.severity owner to owner;
alter domain clinic.percent owner to owner;
analyze;
