-- A clinic of invented people. Load with `psql -v patients=2000 -f clinic.sql`.
-- The same number gives the same rows, so tests can say what they expect.
create schema clinic;

create table clinic.doctors (
  doctor_id  int primary key,
  name       text not null
);

create table clinic.patients (
  patient_id    int primary key,
  name          text not null,
  id_card       text not null unique,
  phone         text not null,
  birth_date    date not null,
  sex           text not null check (sex in ('F', 'M')),
  hospital_ward text not null,
  -- what the contract leaves out
  diagnosis     text not null,
  doctor_note   text,
  doctor_id     int references clinic.doctors
);

create table clinic.visits (
  visit_id   int primary key,
  patient_id int not null references clinic.patients,
  visited_on date not null,
  ward       text not null,
  cost       numeric(10, 2) not null,
  paid       boolean not null
);

-- out of every contract's scope
create table clinic.staff_secrets (
  staff_id int primary key,
  salary   numeric(10, 2) not null,
  password text not null
);

create function clinic.salary_of(staff int) returns numeric language sql stable as
  $$ select salary from clinic.staff_secrets where staff_id = staff $$;

insert into clinic.doctors
select d, 'Dr ' || (array['Bai', 'Cao', 'Deng', 'Fang', 'Gu'])[1 + d % 5] || ' ' || d
from generate_series(1, 20) d;

-- Every tenth patient lies in the VIP ward.
insert into clinic.patients
select p,
       (array['Wang', 'Li', 'Zhang', 'Liu', 'Chen', 'Yang', 'Huang'])[1 + p % 7] || ' '
         || (array['Wei', 'Fang', 'Min', 'Jing', 'Lei', 'Jun', 'Yan', 'Tao', 'Xia', 'Bo', 'Ning'])[1 + p % 11],
       '3101' || lpad((p * 7919 % 100000000)::text, 8, '0') || lpad(p::text, 6, '0'),
       '138' || lpad((p::bigint * 104729 % 100000000)::text, 8, '0'),
       date '1940-01-01' + (p * 37 % 25000),
       (array['F', 'M'])[1 + p % 2],
       case when p % 10 = 0 then 'VIP' else (array['A', 'B', 'C', 'D'])[1 + p % 4] end,
       (array['hypertension', 'influenza', 'fracture', 'asthma', 'diabetes'])[1 + p % 5],
       'note of ' || p,
       1 + p % 20
from generate_series(1, :patients) p;

insert into clinic.visits
select (p - 1) * 3 + v, p, date '2025-01-01' + ((p * 13 + v * 91) % 600),
       (array['A', 'B', 'C', 'D'])[1 + (p + v) % 4], ((p * 31 + v * 17) % 90000) / 100.0, (p + v) % 3 > 0
from generate_series(1, :patients) p, generate_series(1, 3) v;

insert into clinic.staff_secrets
select s, 5000 + s * 10, 'secret-' || s from generate_series(1, 50) s;

create index visits_patient on clinic.visits (patient_id);
create index patients_ward on clinic.patients (hospital_ward);
comment on table clinic.patients is 'People treated here';
comment on column clinic.patients.diagnosis is 'not for the vendor';
analyze clinic.patients, clinic.visits;
