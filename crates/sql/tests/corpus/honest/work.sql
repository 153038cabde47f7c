SELECT * FROM patients WHERE patient_id = 17
SELECT * FROM clinic.patients WHERE patient_id IN (1, 2, 3)
SELECT p.* FROM clinic.patients p WHERE p.patient_id = $1
SELECT name, phone FROM patients WHERE patient_id = ANY($1)
SELECT name AS "Full Name", birth_date FROM patients WHERE hospital_ward = 'W1' ORDER BY birth_date DESC NULLS LAST LIMIT 20 OFFSET 40
TABLE wards
SELECT w.*, d.name FROM wards w LEFT JOIN doctors d USING (ward)
SELECT p.name, v.visit_date, v.diagnosis FROM patients p JOIN visits v ON v.patient_id = p.patient_id WHERE v.visit_date >= DATE '2026-01-01'
SELECT p.name, v.* FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id AND v.cost > 100
SELECT * FROM patients NATURAL JOIN visits
SELECT * FROM patients JOIN visits USING (patient_id)
SELECT patient_id FROM patients FULL JOIN visits USING (patient_id)
SELECT p.patient_id, d.name FROM patients p, visits v, doctors d WHERE v.patient_id = p.patient_id AND d.doctor_id = v.doctor_id
SELECT p.name FROM patients p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id AND v.diagnosis = 'flu')
SELECT p.name FROM patients p WHERE NOT EXISTS (SELECT FROM visits v WHERE v.patient_id = p.patient_id)
SELECT name FROM patients WHERE patient_id IN (SELECT patient_id FROM visits WHERE cost > 1000)
SELECT name FROM patients WHERE patient_id NOT IN (SELECT patient_id FROM visits)
SELECT p.name, (SELECT count(*) FROM visits v WHERE v.patient_id = p.patient_id) AS visits FROM patients p
SELECT p.name, (SELECT max(v.visit_date) FROM visits v WHERE v.patient_id = p.patient_id) AS last_visit FROM patients p
SELECT p.name, x.last FROM patients p CROSS JOIN LATERAL (SELECT v.visit_date AS last FROM visits v WHERE v.patient_id = p.patient_id ORDER BY v.visit_date DESC LIMIT 1) x
SELECT p.name, x.n FROM patients p LEFT JOIN LATERAL (SELECT count(*) AS n FROM visits v WHERE v.patient_id = p.patient_id) x ON true
SELECT patient_id, count(*) AS visits, sum(cost) AS total FROM visits GROUP BY patient_id ORDER BY total DESC LIMIT 10
SELECT p.patient_id, p.name, count(v.visit_id) FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id GROUP BY p.patient_id, p.name
SELECT DISTINCT patient_id FROM visits WHERE cost > 50
SELECT DISTINCT ON (hospital_ward) hospital_ward, patient_id, birth_date FROM patients ORDER BY hospital_ward, birth_date
SELECT DISTINCT ward, floor FROM wards
SELECT patient_id, name FROM patients WHERE sex = 'F' UNION ALL SELECT patient_id, name FROM patients WHERE sex = 'M'
SELECT patient_id FROM patients UNION SELECT patient_id FROM visits
SELECT patient_id FROM patients EXCEPT SELECT patient_id FROM visits
SELECT patient_id FROM patients INTERSECT SELECT patient_id FROM visits ORDER BY 1 LIMIT 5
SELECT name, 'patient' AS what FROM patients UNION ALL SELECT name, 'doctor' FROM doctors
WITH recent AS (SELECT * FROM visits WHERE visit_date > '2026-06-01') SELECT p.name, r.cost FROM recent r JOIN patients p USING (patient_id)
WITH a AS (SELECT patient_id, sum(cost) AS s FROM visits GROUP BY 1), b AS (SELECT * FROM a WHERE s > 500) SELECT p.name, b.s FROM b JOIN patients p ON p.patient_id = b.patient_id
WITH x(id) AS (VALUES (1), (2)) SELECT p.name FROM x JOIN patients p ON p.patient_id = x.id
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n
SELECT count(*) FROM patients
SELECT count(*) AS n, avg(cost)::numeric(10,2) FROM visits WHERE visit_date BETWEEN '2026-01-01' AND '2026-12-31'
SELECT hospital_ward, count(*) FROM patients GROUP BY hospital_ward HAVING count(*) > 10 ORDER BY count(*) DESC
SELECT sex, hospital_ward, count(*) FROM patients GROUP BY GROUPING SETS ((sex), (hospital_ward), ())
SELECT sex, hospital_ward, count(*), grouping(sex) FROM patients GROUP BY ROLLUP (sex, hospital_ward)
SELECT sex, hospital_ward, count(*) FROM patients GROUP BY CUBE (sex, hospital_ward) ORDER BY 1, 2
SELECT date_trunc('month', visit_date) AS month, count(*), sum(cost) FROM visits GROUP BY 1 ORDER BY 1
SELECT date_trunc('month', visit_date) AS month, count(*) FROM visits GROUP BY month ORDER BY month
SELECT extract(year FROM birth_date) AS y, count(*) FROM patients GROUP BY y ORDER BY y
SELECT diagnosis, count(DISTINCT patient_id) FROM visits GROUP BY diagnosis
SELECT count(*) FILTER (WHERE sex = 'F') AS women, count(*) FILTER (WHERE sex = 'M') AS men FROM patients
SELECT sum(CASE WHEN sex = 'F' THEN 1 ELSE 0 END) AS women, count(*) FROM patients
SELECT sum(CASE WHEN diagnosis = 'flu' THEN cost END) FROM visits
SELECT avg(n) FROM (SELECT patient_id, count(*) AS n FROM visits GROUP BY patient_id) per_patient
SELECT stddev(cost), variance(cost), corr(cost, doctor_id) FROM visits
SELECT p.sex, avg(v.cost) FROM patients p JOIN visits v USING (patient_id) GROUP BY p.sex
SELECT w.floor, count(*) FROM wards w GROUP BY w.floor
SELECT max(floor), min(floor) FROM wards
SELECT kind, floor FROM wards WHERE kind = 'vip'::clinic.ward_kind
SELECT ward, count(*) * 100.0 / sum(count(*)) OVER () AS share FROM doctors GROUP BY ward
SELECT patient_id, visit_date, row_number() OVER (PARTITION BY patient_id ORDER BY visit_date) FROM visits
SELECT patient_id, visit_date, sum(cost) OVER (PARTITION BY patient_id ORDER BY visit_date) FROM visits
SELECT patient_id, visit_date, lag(visit_date) OVER w FROM visits WINDOW w AS (PARTITION BY patient_id ORDER BY visit_date)
SELECT patient_id, rank() OVER (ORDER BY cost DESC) FROM visits
SELECT name, rank() OVER w FROM patients WINDOW w AS (ORDER BY birth_date)
SELECT name || ' (' || sex || ')' AS label FROM patients
SELECT upper(name), length(name), substring(phone from 1 for 3), position('a' in name), trim(both ' ' from name), overlay(name placing 'x' from 1) FROM patients
SELECT coalesce(diagnosis, 'none'), nullif(cost, 0), greatest(cost, 10), least(cost, 5) FROM visits
SELECT CASE sex WHEN 'F' THEN 'woman' WHEN 'M' THEN 'man' ELSE 'unknown' END FROM patients
SELECT cost::int, CAST(cost AS text), cost::numeric(10,2), visit_date::timestamptz AT TIME ZONE 'UTC' FROM visits
SELECT age(birth_date), extract(epoch from now()), to_char(birth_date, 'YYYY-MM'), birth_date + interval '1 day', make_date(2026, 1, 1) FROM patients
SELECT visit_date, visit_date - lag(visit_date) OVER (PARTITION BY patient_id ORDER BY visit_date) AS gap FROM visits
SELECT * FROM visits WHERE diagnosis ILIKE '%flu%' AND diagnosis NOT LIKE 'x\_%' ESCAPE '\' AND diagnosis ~ '^d' AND diagnosis SIMILAR TO '(a|b)%'
SELECT * FROM visits WHERE (patient_id, visit_date) = (1, '2026-01-02')
SELECT * FROM visits WHERE (patient_id, visit_id) IN ((1, 2), (3, 4))
SELECT * FROM visits WHERE cost IS DISTINCT FROM 5 AND (cost > 3) IS NOT TRUE
SELECT * FROM visits WHERE cost BETWEEN SYMMETRIC 10 AND 5 AND NOT (doctor_id = 5 OR doctor_id IS NULL)
SELECT json_build_object('id', patient_id, 'name', name) FROM patients
SELECT to_jsonb(name) -> 'x', '{"a":1}'::jsonb ->> 'a', '{"a":[1,2]}'::jsonb @> '{"a":[1]}' FROM patients
SELECT ARRAY[patient_id, 1], (ARRAY[1,2,3])[2], array_length(ARRAY[1,2], 1), string_to_array(name, ' ') FROM patients
SELECT x, p.name FROM patients p, generate_series(1, 3) AS x
SELECT u.v FROM unnest(ARRAY[1,2,3]) AS u(v)
SELECT p.name, u.* FROM patients p, unnest(string_to_array(p.name, ' ')) WITH ORDINALITY AS u(word, n)
SELECT key, value FROM jsonb_each('{"a":1}')
SELECT * FROM jsonb_to_recordset('[{"a":1,"b":"x"}]') AS t(a int, b text)
SELECT * FROM json_array_elements_text('["a","b"]')
SELECT 1
SELECT 1 AS one, 'two', 3.5, NULL, true, $1::int
VALUES (1, 'a'), (2, 'b')
SELECT now(), current_date, current_timestamp(3), localtime
SELECT current_user, session_user, user, current_catalog, current_schema, current_database(), version(), pg_backend_pid()
SELECT current_setting('server_version'), current_setting('search_path')
SELECT gen_random_uuid(), md5('x'), encode('abc'::bytea, 'hex')
SELECT sample_id, result FROM lab.samples ORDER BY taken DESC LIMIT 10
SELECT s.sample_id, p.name FROM lab.samples s, patients p WHERE p.patient_id = 3
SELECT p.patient_id, count(*) OVER (PARTITION BY p.patient_id) FROM patients p JOIN visits v ON v.patient_id = p.patient_id
SELECT v.patient_id, d.name, count(*) FROM visits v JOIN doctors d USING (doctor_id) GROUP BY 1, 2, d.doctor_id
SELECT hospital.clinic.patients.name FROM hospital.clinic.patients
SELECT clinic.patients.name FROM clinic.patients ORDER BY clinic.patients.patient_id
SELECT "patients"."name" FROM "clinic"."patients"
SELECT patients.name FROM ONLY patients
SELECT name FROM patients FETCH FIRST 5 ROWS ONLY
SELECT name FROM patients ORDER BY patient_id FETCH FIRST 5 ROWS WITH TIES
SELECT name COLLATE "C" FROM patients ORDER BY name COLLATE pg_catalog."C"
SELECT patient_id FROM visits GROUP BY patient_id HAVING count(*) > 3
SELECT a.patient_id FROM patients a JOIN patients b ON a.birth_date = b.birth_date AND a.patient_id < b.patient_id
SELECT ward FROM wards WHERE floor = (SELECT max(floor) FROM wards)
SELECT name FROM doctors WHERE ward IN (SELECT ward FROM wards WHERE floor > 2)
SELECT * FROM (SELECT patient_id, name FROM patients) AS t WHERE t.patient_id < 10
SELECT * FROM (SELECT patient_id, name FROM patients ORDER BY patient_id LIMIT 3) AS t(id, n) WHERE id > 1
SELECT count(*) FROM (SELECT DISTINCT patient_id FROM visits) t
SELECT hospital_ward, avg(n) FROM (SELECT p.patient_id, p.hospital_ward, count(*) AS n FROM patients p JOIN visits v ON v.patient_id = p.patient_id GROUP BY p.patient_id, p.hospital_ward) t GROUP BY hospital_ward
SELECT sum(a.c) FROM (SELECT hospital_ward, count(*) AS c FROM patients GROUP BY hospital_ward) a
EXPLAIN SELECT * FROM visits WHERE patient_id = 4
EXPLAIN (VERBOSE, COSTS OFF) SELECT p.name FROM patients p JOIN visits v USING (patient_id)
EXPLAIN SELECT hospital_ward, count(*) FROM patients GROUP BY 1
COPY clinic.patients TO STDOUT
COPY (SELECT patient_id, name FROM patients WHERE sex = 'F') TO STDOUT WITH (FORMAT csv, HEADER true, DELIMITER ';')
COPY wards TO STDOUT (FORMAT binary)
COPY visits (visit_id, cost) TO STDOUT WITH CSV NULL ''
PREPARE by_id (int) AS SELECT name FROM patients WHERE patient_id = $1
EXECUTE by_id (5)
DEALLOCATE by_id
DEALLOCATE ALL
BEGIN
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
START TRANSACTION READ WRITE
COMMIT
END
ROLLBACK
COMMIT AND CHAIN
SAVEPOINT a
RELEASE SAVEPOINT a
ROLLBACK TO SAVEPOINT a
DECLARE c CURSOR FOR SELECT * FROM visits WHERE cost > 5
DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT patient_id FROM visits
DECLARE "c1" BINARY CURSOR FOR SELECT name FROM doctors
FETCH 100 FROM c
FETCH FORWARD ALL FROM c
MOVE NEXT IN c
CLOSE c
CLOSE ALL
SET search_path TO lab, clinic
SET LOCAL search_path = clinic
SET TIME ZONE 'Asia/Shanghai'
SET TIME ZONE INTERVAL '+08:00' HOUR TO MINUTE
SET statement_timeout = '30s'
SET statement_timeout TO 5000
SET LOCAL lock_timeout = 1000
SET NAMES 'UTF8'
SET standard_conforming_strings = on
SET transaction_isolation TO 'serializable'
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE
RESET search_path
RESET ALL
DISCARD ALL
DISCARD PLANS
SHOW search_path
SHOW server_version
SHOW TIME ZONE
SHOW TRANSACTION ISOLATION LEVEL
SELECT set_config('application_name', 'report', false)
CREATE INDEX CONCURRENTLY visits_by_date ON clinic.visits (visit_date)
CREATE INDEX CONCURRENTLY IF NOT EXISTS visits_by_doctor ON visits USING btree (doctor_id, visit_date DESC NULLS LAST)
DROP INDEX CONCURRENTLY clinic.visits_by_date
VACUUM ANALYZE visits
VACUUM clinic.visits
ANALYZE patients
REINDEX TABLE CONCURRENTLY visits
REINDEX INDEX clinic.visits_by_date

; SELECT 1; SELECT 2;
SELECT name FROM patients -- the name
SELECT /* a /* nested */ comment */ name FROM patients
SELECT * FROM (SELECT * FROM patients p JOIN visits v ON v.patient_id = p.patient_id) x
WITH a AS (SELECT p.patient_id, v.patient_id FROM patients p JOIN visits v ON v.patient_id = p.patient_id) SELECT * FROM a
SELECT x.patient_id, count(*) FROM (SELECT patient_id, cost FROM visits WHERE cost > 3) x GROUP BY x.patient_id
SELECT p.patient_id, count(*) FROM patients p CROSS JOIN LATERAL (SELECT v.cost FROM visits v WHERE v.patient_id = p.patient_id) x GROUP BY p.patient_id
SELECT * FROM (SELECT hospital_ward, count(*) AS n FROM patients GROUP BY 1) x WHERE n > 20 ORDER BY n DESC
WITH per_ward AS (SELECT hospital_ward, count(*) AS n FROM patients GROUP BY 1) SELECT w.floor, p.n FROM per_ward p JOIN wards w ON w.ward = p.hospital_ward
SELECT ward FROM wards WHERE floor > (SELECT avg(cost) FROM visits)
SELECT 'n' AS k, count(*)::text AS v FROM patients UNION ALL SELECT 'cost', avg(cost)::text FROM visits
SELECT count(*) FROM patients p WHERE EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id AND v.cost > 5)
SELECT p.*, count(v.visit_id) AS visits FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id GROUP BY p.patient_id ORDER BY p.name
SELECT w.ward, w.floor, count(*) FROM wards w JOIN doctors d USING (ward) GROUP BY w.ward
SELECT s.sample_id FROM lab.samples s NATURAL JOIN patients
SELECT avg(current_date - birth_date), avg(extract(day FROM now() - visit_date)) FROM patients JOIN visits USING (patient_id)
SET DateStyle = ISO, MDY
SELECT 1 WHERE EXISTS (SELECT 1 FROM wards WHERE floor = 3)
SELECT sex, count(*) FROM patients GROUP BY sex UNION ALL SELECT 'all', count(*) FROM patients
SELECT p.patient_id FROM patients p GROUP BY p.patient_id HAVING EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id)
SELECT name FROM patients p ORDER BY (SELECT count(*) FROM visits v WHERE v.patient_id = p.patient_id)
SELECT 10_000_000_000 + 1_000.5
SELECT (SELECT floor FROM wards WHERE ward = 'W1')
SELECT 1 WHERE EXISTS (SELECT 1 FROM wards WHERE floor > 3)
SELECT pg_size_pretty(pg_relation_size('clinic.visits')), pg_total_relation_size('visits')
SELECT count(*), (SELECT floor FROM wards WHERE ward = 'W1') FROM patients
SELECT hospital_ward, count(*) AS n, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS pct FROM patients GROUP BY hospital_ward ORDER BY n DESC
SELECT date_trunc('month', visit_date)::date AS month, count(*) AS visits, count(DISTINCT patient_id) AS people FROM visits WHERE visit_date >= now() - interval '1 year' GROUP BY 1 ORDER BY 1
SELECT extract(isodow FROM visit_date) AS dow, count(*) FROM visits GROUP BY extract(isodow FROM visit_date)
SELECT v.*, row_number() OVER (PARTITION BY v.patient_id ORDER BY v.visit_date DESC) AS rn FROM visits v
SELECT * FROM (SELECT v.*, row_number() OVER (PARTITION BY patient_id ORDER BY visit_date DESC) AS rn FROM visits v) x WHERE rn = 1
SELECT patient_id, visit_date, lag(visit_date) OVER (PARTITION BY patient_id ORDER BY visit_date) AS previous FROM visits
SELECT patient_id, cost, sum(cost) OVER (PARTITION BY patient_id ORDER BY visit_date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running FROM visits
SELECT d.day::date, count(v.visit_id) FROM generate_series('2026-01-01'::date, '2026-01-31'::date, interval '1 day') AS d(day) LEFT JOIN visits v ON v.visit_date = d.day GROUP BY d.day ORDER BY d.day
SELECT hospital_ward, sex, count(*) FROM patients GROUP BY GROUPING SETS ((hospital_ward, sex), (hospital_ward), ())
SELECT hospital_ward, sex, count(*), grouping(hospital_ward, sex) FROM patients GROUP BY CUBE (hospital_ward, sex)
SELECT p.patient_id, p.name, l.* FROM patients p CROSS JOIN LATERAL (SELECT visit_date, diagnosis FROM visits v WHERE v.patient_id = p.patient_id ORDER BY visit_date DESC LIMIT 3) l
SELECT this_.patient_id AS patient1_0_0_, this_.name AS name2_0_0_ FROM clinic.patients this_ WHERE this_.patient_id = $1
SELECT "p"."patient_id", "p"."name", "v"."visit_id" FROM "clinic"."patients" AS "p" LEFT OUTER JOIN "clinic"."visits" AS "v" ON "p"."patient_id" = "v"."patient_id" WHERE ("p"."name" LIKE $1 ESCAPE '\') LIMIT $2 OFFSET $3
SELECT count(*) AS "__count" FROM "clinic"."visits"
SELECT (1) AS "a" FROM "clinic"."patients" WHERE "patients"."patient_id" = $1 LIMIT 1
SELECT t0.name FROM patients t0 WHERE t0.patient_id IN (SELECT t1.patient_id FROM visits t1 WHERE t1.cost > 100 AND t1.visit_date BETWEEN $1 AND $2)
WITH recent AS (SELECT patient_id, max(visit_date) AS last FROM visits GROUP BY patient_id) SELECT p.name, r.last FROM patients p JOIN recent r USING (patient_id) WHERE r.last < current_date - 365
WITH m AS MATERIALIZED (SELECT * FROM wards) SELECT * FROM m
SELECT name, CASE WHEN age(birth_date) > interval '65 years' THEN 'senior' WHEN age(birth_date) > interval '18 years' THEN 'adult' ELSE 'minor' END AS grp FROM patients
SELECT width_bucket(extract(year FROM age(birth_date)), 0, 100, 10) AS decade, count(*) FROM patients GROUP BY 1
SELECT to_char(visit_date, 'YYYY-MM') AS m, sum(cost), avg(cost)::numeric(10,2) FROM visits GROUP BY m HAVING sum(cost) > 1000 ORDER BY m
SELECT coalesce(diagnosis, 'none') AS d, count(*) FROM visits GROUP BY coalesce(diagnosis, 'none')
SELECT diagnosis, count(*) FILTER (WHERE cost > 100) AS dear, count(*) FILTER (WHERE cost <= 100) AS cheap FROM visits GROUP BY diagnosis
SELECT * FROM patients ORDER BY birth_date DESC NULLS LAST FETCH FIRST 10 ROWS ONLY
SELECT hospital_ward FROM patients GROUP BY hospital_ward
SELECT max(floor) FROM wards
SELECT p.name FROM patients p WHERE (SELECT count(*) FROM visits v WHERE v.patient_id = p.patient_id) > 3
SELECT p.name, (SELECT v.diagnosis FROM visits v WHERE v.patient_id = p.patient_id ORDER BY v.visit_date DESC LIMIT 1) FROM patients p
SELECT a.patient_id, b.patient_id FROM patients a JOIN patients b ON a.phone = b.phone AND a.patient_id < b.patient_id
SELECT * FROM (VALUES (1, 'low'), (2, 'high')) AS t(id, label)
SELECT * FROM unnest(ARRAY[1,2,3]) WITH ORDINALITY AS u(x, n)
SELECT p.name FROM patients p JOIN unnest($1::int[]) AS ids(id) ON ids.id = p.patient_id
SELECT jsonb_build_object('id', patient_id, 'name', name) FROM patients
SELECT '{"a": 1}'::jsonb -> 'a', '{"a": {"b": 2}}'::jsonb #>> '{a,b}', '[1,2]'::jsonb @> '1'
SELECT x.key, x.value FROM jsonb_each('{"a": 1}'::jsonb) x
SELECT name || ' (' || sex || ')' AS label FROM patients WHERE name ILIKE 'l%' AND phone ~ '^1'
SELECT string_to_array(diagnosis, ','), array_length(string_to_array(diagnosis, ','), 1) FROM visits
SELECT (string_to_array(diagnosis, ','))[1] FROM visits
SELECT * FROM visits WHERE (patient_id, visit_date) IN (($1, $2), ($3, $4))
SELECT * FROM visits WHERE (visit_date, visit_id) > ($1, $2) ORDER BY visit_date, visit_id LIMIT 50
SELECT p.patient_id, count(*) FROM patients p JOIN visits v ON v.patient_id = p.patient_id GROUP BY p.patient_id HAVING count(*) > 2
SELECT d.name, count(*) FROM doctors d JOIN visits v USING (doctor_id) GROUP BY d.doctor_id, d.name
SELECT w.ward, w.kind, count(p.patient_id) FROM wards w LEFT JOIN patients p ON p.hospital_ward = w.ward GROUP BY w.ward, w.kind ORDER BY 3 DESC
SELECT hospital_ward, rank() OVER (ORDER BY count(*) DESC) FROM patients GROUP BY hospital_ward
SELECT patient_id FROM visits WHERE diagnosis = 'flu' INTERSECT SELECT patient_id FROM visits WHERE diagnosis = 'cold'
SELECT p.patient_id, p.name FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id WHERE v.patient_id IS NULL
SELECT DISTINCT p.patient_id, p.name FROM patients p JOIN visits v ON v.patient_id = p.patient_id WHERE v.cost > 100
SELECT * FROM patients p WHERE p.patient_id = ANY(ARRAY[1,2,3]) OR p.name = ANY('{a,b}'::text[])
SELECT overlay(phone placing '***' from 4 for 3), position('1' in phone), substring(phone from 1 for 3), trim(both ' ' from name), extract(epoch from visit_date) FROM patients JOIN visits USING (patient_id)
SELECT visit_date AT TIME ZONE 'UTC' FROM visits
SELECT nullif(cost, 0), greatest(cost, 1), least(cost, 5) FROM visits
SELECT current_date, current_timestamp, localtime, now()::date, date '2026-01-01' + 7, interval '1 month' * 2
SELECT generate_series(1, 3) AS n, 'x'
SELECT count(*) OVER () AS total, w.* FROM wards w
SELECT sum(cost) / count(*) AS mean, stddev_samp(cost), variance(cost) FROM visits
SELECT v.diagnosis, avg(extract(day FROM age(v.visit_date, p.birth_date))) FROM visits v JOIN patients p USING (patient_id) GROUP BY v.diagnosis
SELECT sum(cost * 1.19) FROM visits
SELECT avg(CASE WHEN sex = 'F' THEN 1.0 ELSE 0 END) FROM patients
SELECT pg_typeof(cost) FROM visits LIMIT 1
SELECT md5(name), encode(sha256(name::bytea), 'hex') FROM patients
SELECT * FROM patients WHERE birth_date IS NOT DISTINCT FROM $1
SELECT * FROM patients WHERE NOT (sex = 'F' AND hospital_ward IS NULL) IS TRUE
SELECT * FROM ONLY patients
EXPLAIN (COSTS OFF) SELECT * FROM patients WHERE patient_id = 1
EXPLAIN VERBOSE SELECT 1
SET statement_timeout = '5s'
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY
BEGIN READ ONLY
COPY (SELECT patient_id, name FROM patients) TO STDOUT WITH CSV HEADER
SELECT * FROM patients WHERE patient_id BETWEEN SYMMETRIC 9 AND 3
SELECT * FROM patients WHERE name SIMILAR TO '(a|b)%'
SELECT make_date(2026, 1, 1), date_part('year', birth_date), justify_days(interval '40 days') FROM patients
SELECT (now() - visit_date) > interval '1 day' FROM visits
SELECT (visit_date, visit_date + 1) OVERLAPS (date '2026-01-01', date '2026-02-01') FROM visits
SELECT daterange('2026-01-01', '2026-02-01') @> visit_date FROM visits
SELECT regexp_replace(phone, '\d', 'x', 'g'), regexp_matches(phone, '(\d+)') FROM patients
SELECT m[1] FROM patients, regexp_matches(phone, '(\d+)') AS m
SELECT p.name, t.part FROM patients p, LATERAL regexp_split_to_table(p.name, ' ') AS t(part)
SELECT unnest(string_to_array(diagnosis, ',')) AS d, count(*) FROM visits GROUP BY d
SELECT ROW(1, 'a') = ROW(1, 'a')
SELECT 1 WHERE 5 IN (SELECT floor FROM wards)
SELECT ward FROM wards WHERE floor >= ALL (SELECT floor FROM wards)
SELECT ward, count(*) FROM (SELECT ward FROM wards UNION ALL SELECT ward FROM doctors) x GROUP BY ward
SELECT * FROM patients FULL JOIN visits ON patients.patient_id = visits.patient_id
SELECT count(*) FROM visits v WHERE v.cost > (SELECT avg(cost) FROM visits)
SELECT v.visit_id FROM visits v WHERE v.cost > (SELECT avg(cost) FROM visits)
SELECT ntile(4) OVER (ORDER BY cost), visit_id FROM visits
SELECT json_build_object('a', 1) ->> 'a', to_jsonb(1), jsonb_set('{}', '{a}', '1')
SELECT WITHIN.x FROM (SELECT 1 AS x) AS within
WITH RECURSIVE days(d) AS (SELECT date '2026-01-01' UNION ALL SELECT (d + 1)::date FROM days WHERE d < date '2026-01-10') SELECT d FROM days
WITH RECURSIVE days(d) AS (SELECT date '2026-01-01' UNION ALL SELECT (d + 1)::date FROM days WHERE d < date '2026-01-10') SELECT days.d, count(v.visit_id) FROM days LEFT JOIN visits v ON v.visit_date = days.d GROUP BY days.d
TABLE clinic.wards LIMIT 5
SELECT ALL name FROM patients
SELECT name FROM patients WHERE TRUE LIMIT ALL
SELECT pg_size_pretty(pg_database_size(current_database()))
SELECT * FROM pg_stat_user_tables
SELECT * FROM pg_stat_activity
SELECT * FROM information_schema.columns WHERE table_schema = 'clinic'
SELECT name COLLATE "C" FROM patients ORDER BY name COLLATE "zh-x-icu"
SELECT interval '1' year, time '12:00', timestamp with time zone '2026-01-01', 1e3, .5, 0x1F, 1_000
SELECT num_nonnulls(1, NULL), lpad('1', 3, '0'), initcap('li'), reverse('ab'), concat_ws('-', 1, 2), format('%s', 1), to_number('1', '9'), sign(-1), mod(5, 2), power(2, 3), pi()
SELECT lower(name) AS lname, count(*) FROM patients GROUP BY lname
SELECT to_tsvector('english', diagnosis) @@ to_tsquery('simple', 'flu') FROM visits
SELECT ts_headline('pg_catalog.simple', diagnosis, to_tsquery('flu'), 'MaxWords=5') FROM visits
SELECT relowner::regrole, relnamespace::regnamespace FROM pg_class
SELECT relname FROM pg_class WHERE oid::regclass = 'clinic.patients'
SELECT relname FROM pg_class WHERE oid = 'clinic.patients'::regclass AND relname <> 'clinic.x'::text
SELECT name FROM patients WHERE phone = 'clinic.x'
SELECT relowner::regrole::text, relnamespace::regnamespace::oid, (relowner::regrole)::text || '!' FROM pg_class
SELECT DISTINCT hospital_ward FROM clinic.patients
SELECT DISTINCT hospital_ward, sex FROM clinic.patients WHERE birth_date > '1990-01-01' ORDER BY hospital_ward DESC LIMIT 3
SELECT DISTINCT p.patient_id FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id
SELECT DISTINCT p.patient_id, v.diagnosis FROM patients p LEFT JOIN visits v USING (patient_id) ORDER BY 1
SELECT count(*) FROM (SELECT DISTINCT hospital_ward FROM clinic.patients) x
SELECT patient_id, birth_date, count(*) OVER () AS total FROM clinic.patients ORDER BY patient_id LIMIT 10 OFFSET 20
SELECT diagnosis, sum(coalesce(cost, 0)), avg(coalesce(cost, 0)) FROM clinic.visits GROUP BY diagnosis
SELECT sum(coalesce(v.cost, 0)) FROM patients p LEFT JOIN visits v USING (patient_id)
SELECT hospital_ward, count(*) FROM clinic.patients p WHERE NOT EXISTS (SELECT 1 FROM clinic.visits v WHERE v.patient_id = p.patient_id) GROUP BY 1
SELECT p.hospital_ward, avg(x.n) FROM clinic.patients p JOIN LATERAL (SELECT count(*) AS n FROM clinic.visits v WHERE v.patient_id = p.patient_id) x ON true GROUP BY 1
EXPLAIN (FORMAT JSON, ANALYZE OFF, VERBOSE OFF, COSTS OFF, BUFFERS OFF, TIMING OFF, SUMMARY OFF, SETTINGS OFF, WAL OFF) SELECT patient_id FROM clinic.patients
EXPLAIN (FORMAT XML) SELECT patient_id FROM clinic.patients
SELECT v.x, p.name FROM (VALUES (1),(2)) v(x) LEFT JOIN patients p ON p.patient_id = v.x
SELECT w.ward, p.name FROM wards w LEFT JOIN patients p ON p.hospital_ward = w.ward
SELECT p.name, v.visit_id FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id AND v.cost > 100
SELECT d.name, v.visit_id FROM doctors d LEFT JOIN visits v ON v.doctor_id = d.doctor_id AND v.visit_date > '2025-01-01'
WITH RECURSIVE t AS (SELECT 1 a UNION ALL SELECT a+1 FROM t) SELECT * FROM t LIMIT 2
SELECT patient_id, first_value(cost) OVER (PARTITION BY patient_id ORDER BY visit_date) FROM visits
SELECT patient_id, last_value(cost) OVER (PARTITION BY patient_id ORDER BY visit_date ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM visits
SELECT patient_id, last_value(cost) OVER (PARTITION BY patient_id ORDER BY visit_date RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM visits
SELECT patient_id, last_value(cost) OVER (PARTITION BY patient_id ORDER BY visit_date, visit_id) FROM visits
SELECT patient_id, lag(cost) OVER w, sum(cost) OVER (w ROWS 2 PRECEDING), rank() OVER w FROM visits WINDOW p AS (PARTITION BY patient_id), w AS (p ORDER BY visit_date)
SELECT w.kind, count(*), avg(v.cost), sum(v.cost * w.floor) FROM visits v JOIN doctors d ON d.doctor_id = v.doctor_id JOIN wards w ON w.ward = d.ward GROUP BY w.kind
SELECT sum(cost * doctor_id), sum(cost * 1.19 + 5), avg((cost - 100) * (cost - 100)), avg((current_date - visit_date) / 365.25), sum(cost::float8 * 1.19) FROM visits
SELECT avg(extract(epoch FROM now() - taken) / 3600), avg(extract(year FROM age(taken))), count(DISTINCT date_trunc('month', taken)) FROM lab.samples
SELECT avg(n) FROM (SELECT p.patient_id, count(v.visit_id) AS n FROM patients p LEFT JOIN visits v ON v.patient_id = p.patient_id GROUP BY p.patient_id) x
SELECT v.diagnosis, count(*) FROM visits v, (SELECT avg(cost) AS mean FROM visits) m WHERE v.cost > m.mean GROUP BY v.diagnosis
SELECT d, count(*) FROM visits v, unnest(string_to_array(v.diagnosis, ',')) AS d GROUP BY d
SELECT count(*) FROM patients p WHERE NOT EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id)
SELECT count(*) FROM patients WHERE patient_id NOT IN (SELECT patient_id FROM visits)
SELECT g.d, count(v.visit_id) FROM (VALUES ('flu'), ('cold')) g(d) LEFT JOIN visits v ON v.diagnosis = g.d GROUP BY g.d
SELECT sex, count(*) FROM patients GROUP BY sex HAVING count(DISTINCT patient_id) > 10
SELECT count(*) FROM (SELECT patient_id FROM patients UNION ALL SELECT patient_id FROM visits) x
