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
SELECT stddev(cost), variance(cost), corr(cost, visit_id) FROM visits
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
SELECT p.name, v.diagnosis FROM patients p LEFT JOIN visits v ON p.patient_id = v.patient_id OR v.cost > 5
SELECT sex, count(*) FROM patients GROUP BY sex UNION ALL SELECT 'all', count(*) FROM patients
SELECT p.patient_id FROM patients p GROUP BY p.patient_id HAVING EXISTS (SELECT 1 FROM visits v WHERE v.patient_id = p.patient_id)
SELECT name FROM patients p ORDER BY (SELECT count(*) FROM visits v WHERE v.patient_id = p.patient_id)
SELECT 10_000_000_000 + 1_000.5
SELECT (SELECT floor FROM wards WHERE ward = 'W1')
SELECT 1 WHERE EXISTS (SELECT 1 FROM wards WHERE floor > 3)
SELECT pg_size_pretty(pg_relation_size('clinic.visits')), pg_total_relation_size('visits')
SELECT count(*), (SELECT floor FROM wards WHERE ward = 'W1') FROM patients
