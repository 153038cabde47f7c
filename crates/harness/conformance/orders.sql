-- Statements whose answers depend on the order of rows or on the plan, unless something gives them one. One a line.
select patient_id from clinic.patients limit 5
select patient_id from clinic.patients offset 150
select ward from clinic.patients order by ward limit 5
select patient_id, ward from clinic.patients order by ward limit 5
select patient_id, ward from clinic.patients order by ward fetch first 5 rows with ties
select distinct on (ward) ward, patient_id from clinic.patients
select distinct on (ward) ward, patient_id from clinic.patients order by ward
select patient_id, row_number() over () from clinic.patients
select patient_id, row_number() over (order by ward) from clinic.patients
select patient_id, rank() over (order by ward) from clinic.patients
select patient_id, first_value(patient_id) over (order by ward) from clinic.patients
select patient_id, sum(income) over (order by ward rows between 1 preceding and current row) from clinic.patients
select patient_id, lag(sex) over (order by ward) from clinic.patients
select patient_id, ntile(4) over (order by ward) from clinic.patients
select ward, array_agg(sex) from clinic.patients group by ward
select ward, string_agg(sex, ',') from clinic.patients group by ward
select patient_id, array_agg(cost) from clinic.visits group by patient_id
select patient_id, string_agg(ward, ',') from clinic.visits group by patient_id
select patient_id, json_agg(cost) from clinic.visits group by patient_id
select patient_id, array(select cost from clinic.visits v where v.patient_id = p.patient_id) from clinic.patients p
select patient_id, (select cost from clinic.visits v where v.patient_id = p.patient_id limit 1) from clinic.patients p
select p.patient_id, x.cost from clinic.patients p, lateral (select cost from clinic.visits v where v.patient_id = p.patient_id limit 1) x
select sum(weight) from clinic.visits
select avg(weight) from clinic.visits
select ward, sum(weight) from clinic.visits group by ward
select ward, avg(weight), stddev(weight), corr(weight, weight) from clinic.visits group by ward
select sum(weight / 3) from clinic.visits
select patient_id, sum(weight / 3) from clinic.visits group by patient_id
select patient_id, sum(weight / 3) over () from clinic.visits
select patient_id, sum(weight / 3) over (partition by patient_id) from clinic.visits
select patient_id, sum(weight / 3) over (order by patient_id) from clinic.visits
select v.patient_id, sum(v.weight / 7) from clinic.visits v join clinic.patients p using (patient_id) group by v.patient_id
select patient_id from clinic.patients where patient_id in (select patient_id from clinic.visits limit 5)
select * from (select patient_id, name from clinic.patients limit 5) x order by 1
with x as (select patient_id from clinic.patients limit 3) select * from x
select patient_id from clinic.patients union all select patient_id from clinic.visits limit 7
(select patient_id from clinic.patients limit 3) union (select patient_id from clinic.visits limit 7)
select mode() within group (order by cost) from clinic.visits
select ward, mode() within group (order by paid) from clinic.visits group by ward
select patient_id, 1 / (patient_id - 50) from clinic.patients
select patient_id, cost::int / (visit_id - 50), (patient_id - 20) / (visit_id - 90), ln(visit_id - 200) from clinic.visits
select ward, array_agg(distinct sex) from clinic.patients group by ward
select min(level), max(level) from clinic.patients
select * from clinic.wards limit 2
select * from clinic.doctors
select name from clinic.doctors limit 3
select ward, count(*) from clinic.patients group by ward limit 2
select ctid from clinic.patients limit 2
select patient_id from clinic.patients tablesample bernoulli (10) repeatable (1)
select patient_id from clinic.patients for update
copy (select patient_id from clinic.patients) to stdout
copy clinic.wards to stdout
explain select * from clinic.patients where patient_id = 3
explain select * from clinic.patients p join clinic.visits v using (patient_id) where p.ward = 'A'
select row_number() over (order by cost), cost from clinic.visits
select patient_id, any_value(ward) from clinic.visits group by patient_id
select unnest(tags), patient_id from clinic.patients limit 4
select patient_id, cost, count(*) over (order by cost rows 3 preceding) from clinic.visits
select jsonb_agg(floor) from clinic.wards
select array_agg(ward) from clinic.wards
select string_agg(ward, '') from clinic.wards
select array(select ward from clinic.wards)
select (select ward from clinic.wards limit 1)
select ward from clinic.wards w where ward > any (select ward from clinic.doctors limit 2)
select bool_or(1 / (floor - 2) > 0) from clinic.wards
select pg_relation_size('clinic.patients')
select relpages, reltuples from pg_class where relname = 'patients'
select * from pg_stats
select count(*) from clinic.patients p, clinic.visits v where p.patient_id = v.patient_id and 1 / (p.patient_id - v.visit_id) > 0
select xmin, xmax, tableoid from clinic.wards
select * from clinic.wards order by floor % 2 limit 2
select cost from clinic.visits order by cost limit 10
select cost, visit_id from clinic.visits order by cost limit 10
select cost, visit_id from clinic.visits order by cost, visit_id limit 10
select patient_id, percentile_cont(0.5) within group (order by weight) from clinic.visits group by 1
select patient_id, xmlagg(doc) from lab.samples group by patient_id
select patient_id, jsonb_object_agg(result, payload) from lab.samples group by patient_id
select patient_id, nth_value(cost, 2) over (partition by patient_id) from clinic.visits
select patient_id, nth_value(cost, 2) over (partition by patient_id order by cost) from clinic.visits
select distinct on (patient_id) patient_id, cost from clinic.visits
select distinct on (patient_id) patient_id, cost from clinic.visits order by patient_id, cost
