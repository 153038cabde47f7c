-- The world of the conformance corpus and of the non-interference trials. Loaded twice, with :side = 1
-- and :side = 2: whatever the contracts show is the same on both sides, whatever they hide differs.
-- So a statement discloses exactly if its answers differ.
--
-- `pg_temp.h(text)` makes a hidden text of a side, recognisable by the marker `zq`; `pg_temp.n(…)` a hidden number.
create function pg_temp.h(what text) returns text language sql as
  $$ select 'zq' || :side || left(md5(what || '/:side'), 10) $$;
create function pg_temp.n(what text, below int) returns int language sql as
  $$ select (('x' || left(md5(what || '#:side'), 7))::bit(28)::int % below) $$;

create schema clinic;
create schema lab;
create schema other;   -- wholly out of scope, with tables of the same names
create schema hr;      -- wholly out of scope

create type clinic.severity as enum ('low', 'middle', 'high');
create domain clinic.percent as numeric(5, 2) check (value between 0 and 100);
create type clinic.address as (street text, city text);

create table clinic.wards (
  ward   text primary key,
  floor  int not null,
  beds   int not null
);

create table clinic.doctors (
  doctor_id  int primary key,
  name       text not null,
  badge      text not null,          -- out of scope
  ward       text references clinic.wards
);

create table clinic.patients (
  patient_id  int primary key,
  name        text not null,                       -- mask first
  id_card     text not null unique,                -- mask last4
  phone       text,                                -- mask last4
  email       text,                                -- mask null
  nickname    text not null,                       -- mask constant
  birth_date  date not null,                       -- mask year
  income      int not null,                        -- mask bucket1000
  code        text not null,                       -- mask hash (see below: a side's own key)
  sex         text not null check (sex in ('F', 'M')),
  ward        text not null references clinic.wards,
  level       clinic.severity not null,
  share       clinic.percent,
  note        text,
  tags        text[] not null,
  attrs       jsonb not null,
  -- out of scope
  secret      text not null default 'zq-default-:side',
  salary      int not null,
  home        clinic.address,
  diagnosis   text not null
);

create table clinic.visits (
  visit_id    int primary key,
  patient_id  int not null references clinic.patients,
  visited_on  date not null,
  ward        text not null,
  cost        numeric(10, 2) not null,
  weight      float8 not null,
  paid        boolean not null,
  started_at  timestamptz not null
);

create table lab.samples (
  sample_id   bigint primary key,
  patient_id  int not null references clinic.patients,
  result      text not null,
  payload     jsonb not null,
  doc         xml,
  bits        bit(8) not null,
  raw         bytea not null,
  readings    int[] not null,
  span        int4range not null,
  spot        point not null,
  secret      text not null                          -- out of scope
);

create table other.patients (patient_id int primary key, name text not null, secret text not null);
create table hr.salaries (staff_id int primary key, name text not null, salary int not null, password text not null);
create table clinic.audit_trail (at timestamptz not null default now(), what text not null);  -- out of scope, in a scoped schema

insert into clinic.wards values ('A', 1, 20), ('B', 2, 18), ('C', 3, 25), ('D', 4, 12), ('VIP', 9, 3);
insert into clinic.doctors
select d, 'Dr ' || (array['Bai', 'Cao', 'Deng', 'Fang', 'Gu'])[1 + d % 5] || d, pg_temp.h('badge' || d), (array['A', 'B', 'C', 'D'])[1 + d % 4]
from generate_series(1, 12) d;

-- Shown: 1..160. Hidden by the row filter (ward VIP): 1000.., more of them on side 2.
insert into clinic.patients
select p,
       (array['W', 'L', 'Z', 'C'])[1 + p % 4] || left(pg_temp.h('name' || p), 5 + p % 4),
       lpad(pg_temp.n('card' || p, 100000000)::text, 14, '3') || lpad(p::text, 4, '0'),
       case when p % 9 = 0 then null else '138' || lpad(pg_temp.n('phone' || p, 9999)::text, 4, '0') || lpad((p * 7)::text, 4, '0') end,
       case when pg_temp.n('mail?' || p, 3) = 0 then null else pg_temp.h('mail' || p) || '@example.org' end,
       repeat(pg_temp.h('nick' || p), pg_temp.n('nick?' || p, 3)),
       make_date(1940 + p % 70, 1 + pg_temp.n('month' || p, 12), 1 + pg_temp.n('day' || p, 28)),
       (p % 40) * 1000 + pg_temp.n('income' || p, 1000),
       pg_temp.h('code' || p),
       (array['F', 'M'])[1 + p % 2],
       (array['A', 'B', 'C', 'D'])[1 + p % 4],
       (array['low', 'middle', 'high'])[1 + p % 3]::clinic.severity,
       case when p % 7 = 0 then null else (p * 13 % 10000) / 100.0 end,
       case when p % 5 = 0 then null else 'note ' || p % 10 end,
       array['t' || p % 3, 'u' || p % 5],
       jsonb_build_object('lang', (array['zh', 'en', 'fr'])[1 + p % 3], 'n', p % 11, 'list', jsonb_build_array(p % 2, p % 3)),
       pg_temp.h('secret' || p), 1000 + pg_temp.n('salary' || p, 90000),
       row(pg_temp.h('street' || p), pg_temp.h('city' || p))::clinic.address,
       pg_temp.h('diagnosis' || p)
from generate_series(1, 160) p;

insert into clinic.patients
select 1000 + p, pg_temp.h('vip' || p), pg_temp.h('vipcard' || p), pg_temp.h('vipphone' || p), pg_temp.h('vipmail' || p), pg_temp.h('vipnick' || p),
       make_date(1950 + pg_temp.n('vy' || p, 50), 1, 1), pg_temp.n('vi' || p, 1000000), pg_temp.h('vipcode' || p),
       (array['F', 'M'])[1 + pg_temp.n('vs' || p, 2)], 'VIP', (array['low', 'middle', 'high'])[1 + pg_temp.n('vl' || p, 3)]::clinic.severity,
       pg_temp.n('vsh' || p, 100), pg_temp.h('vipnote' || p), array[pg_temp.h('viptag' || p)], jsonb_build_object('lang', pg_temp.h('viplang' || p)),
       pg_temp.h('vipsecret' || p), pg_temp.n('vsal' || p, 1000000), null, pg_temp.h('vipdiag' || p)
from generate_series(1, 10 * :side) p;

insert into clinic.visits
select (p - 1) * 3 + v, p, date '2025-01-01' + ((p * 13 + v * 91) % 600), (array['A', 'B', 'C', 'D'])[1 + (p + v) % 4],
       ((p * 31 + v * 17) % 90000) / 100.0, (p * v % 17) / 8.0, (p + v) % 3 > 0, timestamptz '2025-01-01 00:00+00' + (p * 37 + v) * interval '1 hour'
from generate_series(1, 160) p, generate_series(1, 3) v;
-- The hidden patients' visits are hidden by the contract's row filter on visits (visit_id < 100000).
insert into clinic.visits
select 100000 + v, 1000 + 1 + pg_temp.n('vp' || v, 10), date '2025-01-01' + pg_temp.n('vd' || v, 600), pg_temp.h('vw' || v),
       -- On side 2 alone some of them can't be divided by, rounded or counted: an error would tell of them.
       case when :side = 2 and v % 3 = 0 then 0 else 1 + pg_temp.n('vc' || v, 9000) end,
       case when :side = 2 and v % 5 = 0 then 'NaN'::float8 else pg_temp.n('vwt' || v, 100) end, v % 2 = 0, timestamptz '2025-01-01 00:00+00' + pg_temp.n('vt' || v, 9999) * interval '1 hour'
from generate_series(1, 25 * :side) v;

insert into lab.samples
select p::bigint * 1000003, 1 + p % 160, (array['neg', 'pos', 'weak'])[1 + p % 3],
       jsonb_build_object('unit', 'mg', 'value', p % 23, 'steps', jsonb_build_array(p % 4, p % 6)),
       xmlparse(document '<r><v n="' || p % 5 || '">' || p % 7 || '</v></r>'), (p % 256)::bit(8), decode(md5(p::text), 'hex'),
       array[p % 5, p % 7, p % 11], int4range(p % 50, p % 50 + 5), point(p % 10, p % 12), pg_temp.h('sample' || p)
from generate_series(1, 200) p;

insert into other.patients select p, pg_temp.h('on' || p), pg_temp.h('os' || p) from generate_series(1, 30 * :side) p;
insert into hr.salaries select s, pg_temp.h('hn' || s), 3000 + pg_temp.n('hs' || s, 20000), pg_temp.h('hp' || s) from generate_series(1, 40 * :side) s;
insert into clinic.audit_trail(what) select pg_temp.h('at' || s) from generate_series(1, 5 * :side) s;

-- Values at the ends of their types, hidden on side 2 alone: no mask and no filter may stumble over them.
update clinic.patients set birth_date = 'infinity', income = -2147483648, name = '', id_card = '', phone = '' where patient_id = 1011;
update clinic.patients set birth_date = '4713-01-01 BC', income = 2147483647, share = 0, note = '1' where patient_id = 1012;

create index visits_patient on clinic.visits (patient_id);
create index patients_secret on clinic.patients (secret);
create index patients_special on clinic.patients (ward) where secret <> 'zq-index-:side';
create index patients_expression on clinic.patients (left(secret, 3));
create statistics clinic.patients_stats (dependencies, mcv) on ward, secret from clinic.patients;

-- What an owner's database has besides tables: ways round every view.
create function clinic.salary_of(staff int) returns int language sql stable security definer as
  $$ select salary from hr.salaries where staff_id = staff $$;
create function clinic.peek(p int) returns text language plpgsql stable security definer as
  $$ declare s text; begin select secret into s from clinic.patients where patient_id = p; return s; end $$;
create function clinic.all_patients() returns setof clinic.patients language sql stable security definer as
  $$ select * from clinic.patients $$;
create function clinic.run(q text) returns text language plpgsql security definer as
  $$ declare r text; begin execute q into r; return r; end $$;
create function clinic.leak(p text) returns boolean language plpgsql cost 0.0001 as
  $$ begin raise notice 'seen %', p; return true; end $$;
create function clinic.same(a text, b text) returns boolean language plpgsql cost 0.0001 as
  $$ begin raise notice 'compared % with %', a, b; return a = b; end $$;
create operator clinic.=== (leftarg = text, rightarg = text, function = clinic.same);
create function clinic.lower(p text) returns text language sql as $$ select p $$;  -- shadows a built-in one
create function public.version() returns text language sql security definer as $$ select string_agg(secret, ',') from other.patients $$;
revoke execute on function public.version() from public;  -- else no contract may come into force
create function clinic.to_secret(i int) returns text language sql security definer as
  $$ select secret from clinic.patients where patient_id = i $$;
create aggregate clinic.pack(text) (sfunc = textcat, stype = text, initcond = '');
create view clinic.everyone as select patient_id, name, id_card, secret from clinic.patients;
create materialized view clinic.snapshot as select patient_id, secret, salary from clinic.patients;
create sequence clinic.hidden_numbers;
select setval('clinic.hidden_numbers', 4000 + 111 * :side);
create rule audit_note as on insert to clinic.audit_trail where new.what = 'zq-rule-:side' do instead nothing;
alter table hr.salaries add constraint paid check (salary < 100000 + :side);
comment on table hr.salaries is 'zq-comment-:side';
comment on column clinic.patients.secret is 'zq-column-comment-:side';
comment on table clinic.patients is 'People treated here';
comment on function clinic.salary_of(int) is 'zq-function-comment-:side';
create policy only_zq_:side on hr.salaries using (password <> 'zq-policy-:side');
create publication hidden_publication_:side for table hr.salaries;
select lo_from_bytea(424242, convert_to('zq-large-object-:side', 'UTF8'));
create role zq_role_:side;
comment on role zq_role_:side is 'zq-role-comment-:side';

-- Extensions and a foreign server, as far as the server's packages have them.
do $$ begin create extension if not exists dblink; exception when others then null; end $$;
do $$ begin create extension if not exists pgcrypto; exception when others then null; end $$;
do $$ begin create extension if not exists file_fdw; create server files foreign data wrapper file_fdw; exception when others then null; end $$;
do $$ begin create extension if not exists postgres_fdw; create server elsewhere foreign data wrapper postgres_fdw options (host 'zq-host-:side', dbname 'x');
  create user mapping for public server elsewhere options (user 'zq-user-:side', password 'zq-password-:side'); exception when others then null; end $$;
do $$ begin create extension if not exists tablefunc; exception when others then null; end $$;
do $$ begin create extension if not exists pg_stat_statements; exception when others then null; end $$;

-- More traps, for the conformance corpus.
create function clinic.card_of(p clinic.patients) returns text language sql stable as $$ select p.id_card || p.secret $$;
create function clinic.home_of(p int) returns clinic.address language sql stable security definer as
  $$ select row('zq' || secret, 'x')::clinic.address from clinic.patients where patient_id = p $$;
create cast (int as clinic.address) with function clinic.home_of(int);
create operator clinic.!!! (rightarg = int, function = clinic.to_secret);
create procedure clinic.tell(p int) language plpgsql security definer as
  $$ begin raise notice 'told %', (select secret from clinic.patients where patient_id = p); end $$;
create function clinic.must_not_be(p int) returns int language plpgsql security definer as
  $$ begin raise exception 'secret of %', (select secret from clinic.patients where patient_id = p); end $$;
create function clinic.sourced() returns text language sql as 'select ''zq-source-:side''::text';
create view clinic.remarks as select 'zq-view-:side'::text as remark;
create function clinic.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger stamped before insert on clinic.audit_trail for each row when (new.what <> 'zq-trigger-:side') execute function clinic.stamp();
create type hr.kind as enum ('zq-label-:side');
create domain hr.badge as text check (value <> 'zq-domain-:side');
create table hr.parts (part text) partition by list (part);
create table hr.parts_first partition of hr.parts for values in ('zq-part-:side');
alter role zq_role_:side set application_name = 'zq-setting-:side';
do $$ begin create foreign table other.lines (line text) server files options (program 'echo zq-program-:side'); exception when others then null; end $$;

drop function pg_temp.h(text), pg_temp.n(text, int);
analyze;
