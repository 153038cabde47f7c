# The forms that SQL has: expressions, FROM, queries, cursors, COPY, transactions, settings. Each is read and written back.
SELECT 't'::bool
SELECT CAST('t' AS boolean), 'f'::boolean, 'true'::bool, 'false'::bool, bool 't', boolean 'false', 'yes'::bool, 'T'::bool, '1'::bool
SELECT true, false, NULL::bool, TRUE::text, 1::bool, ('t')::bool
SELECT interval '1.5' second(1)
SELECT interval '1' day, interval '1 day', '1 day'::interval, interval '1-2' year to month, interval '3 4:05:06' day to second, interval '2' hour, interval '3' minute, interval(3) '1 second', interval '1' second, interval '1' month, interval '1' year, interval '1 2' day to hour, interval '1 2:03' day to minute, interval '1:2' hour to minute, interval '1:2:3' hour to second, interval '1:2' minute to second
SELECT interval '1 2:03:04' day to second(2), interval '1:2' hour to second(3), interval '1:2' minute to second(3)
SELECT '1'::interval second(2), '1'::interval(3), CAST('1' AS interval day), CAST('1' AS interval second(3)), CAST('1' AS interval day to second(3))
SELECT date '2026-01-01', time '10:00', timestamp '2026-01-01 10:00', timestamptz '2026-01-01 10:00+00', timestamp with time zone '2026-01-01', time with time zone '10:00', timestamp(3) '2026-01-01', time(3) '10:00', timestamp(3) with time zone '2026-01-01', time(3) with time zone '10:00'
SELECT now()::timestamp(0), now()::timestamptz(3), now()::time(0), now()::timetz(2), now()::date, now()::timestamp(0) with time zone, now()::timestamp with time zone
SELECT now() AT TIME ZONE 'UTC', now() AT TIME ZONE INTERVAL '1 hour', (now() AT TIME ZONE 'UTC')::date, now() AT LOCAL
SELECT current_date, current_time, current_timestamp, localtime, localtimestamp, current_time(2), current_timestamp(3), localtime(0), localtimestamp(1)
SELECT current_role, current_user, user, session_user, current_catalog, current_schema
SELECT B'101', X'1F', b'0', 1e10, 1.5, .5, 5., 1E-3, 0x1F, 0b101, 0o17, 1_000, 9999999999, -5, - 5, +5, -(-5), 5 - -5, 5 -(-5)
SELECT char 'a', char(3) 'abc', character varying(3) 'abc', varchar 'a', bpchar 'abc', 'abc'::char(3), 'a'::"char", 'abc'::character(3), 'abc'::char, 'abc'::bpchar, 'abc'::character varying
SELECT 1::int, 1::integer, 1::smallint, 1::bigint, 1::real, 1::double precision, 1::float, 1::float(10), 1::float(50), 1::numeric, 1::numeric(5), 1::numeric(5,2), 1::decimal(5,2), 1::dec, 1::numeric(5,-2)
SELECT '101'::bit(3), '101'::bit varying(5), '101'::varbit, '1'::bit, B'1'::bit(1), bit '101', bit varying '101', bit(3) '101'
SELECT '{1,2}'::int[], '{1,2}'::int4[], ARRAY[1,2]::int[], ARRAY[]::text[], '{a}'::text[][], '{1}'::int[3], '{1}'::int array, '{1}'::int array[3], ARRAY[[1,2],[3,4]], '{1}'::pg_catalog._int4
SELECT (ARRAY[1,2,3])[1], (ARRAY[1,2,3])[1:2], (ARRAY[1,2,3])[:2], (ARRAY[1,2,3])[2:], (ARRAY[1,2,3])[:], ('{1,2}'::int[])[1], (SELECT ARRAY[1])[1], (ARRAY[[1]])[1][1]
SELECT 1 + 2 * 3, (1 + 2) * 3, 1 - (2 - 3), 2 ^ 3 ^ 2, 2 ^ (3 ^ 2), -2 ^ 2, (-2) ^ 2, 5 % 3, 5 / 2, @ -5, |/ 4, ||/ 8, ~1, 1 & 2, 1 | 2, 1 # 2, 1 << 2, 8 >> 1, !! 'a'::tsquery
SELECT 'a' || 'b' || 'c', 'a' LIKE 'b', 'a' NOT LIKE 'b', 'a' ILIKE 'b', 'a' NOT ILIKE 'b', 'a' LIKE 'b' ESCAPE '\', 'a' NOT LIKE 'b' ESCAPE '#', 'a' ILIKE 'b' ESCAPE '#', 'a' SIMILAR TO 'b', 'a' NOT SIMILAR TO 'b', 'a' SIMILAR TO 'b' ESCAPE '#', 'a' ~ 'b', 'a' ~* 'b', 'a' !~ 'b', 'a' !~* 'b', 'a' ~~ 'b', 'a' ^@ 'b'
SELECT 1 IN (1,2), 1 NOT IN (1,2), 1 = ANY(ARRAY[1,2]), 1 = SOME(ARRAY[1]), 1 <> ALL(ARRAY[1,2]), 1 = ANY('{1,2}'), 'a' LIKE ANY(ARRAY['a']), 'a' NOT LIKE ALL(ARRAY['a']), 'a' ILIKE ANY(ARRAY['a']), 'a' NOT ILIKE ALL ('{a}')
SELECT 1 BETWEEN 0 AND 2, 1 NOT BETWEEN 0 AND 2, 1 BETWEEN SYMMETRIC 2 AND 0, 1 NOT BETWEEN SYMMETRIC 2 AND 0, NOT 1 BETWEEN 0 AND 2, (1 BETWEEN 0 AND 2) = true
SELECT 1 IS NULL, 1 IS NOT NULL, 1 ISNULL, 1 NOTNULL, true IS TRUE, true IS NOT TRUE, true IS FALSE, true IS NOT FALSE, true IS UNKNOWN, true IS NOT UNKNOWN, 1 IS DISTINCT FROM 2, 1 IS NOT DISTINCT FROM 2, NOT 1 IS NULL, (1 = 1) IS TRUE, NOT (true AND false), NOT true AND false, true AND NOT false OR true
SELECT CASE 1 WHEN 1 THEN 'a' ELSE 'b' END, CASE WHEN true THEN 1 END, CASE WHEN 1 = 1 THEN 2 WHEN 2 = 3 THEN 4 ELSE NULL END, CASE WHEN true THEN 1 END + 1
SELECT coalesce(1, 2), nullif(1, 2), greatest(1, 2), least(1, 2), GREATEST(NULL, 1)
SELECT extract(year FROM now()), extract('year' FROM now()), extract(epoch FROM interval '1 day'), date_part('year', now()), date_trunc('month', now()), extract(isodow from current_date), extract("dow" from current_date)
SELECT position('a' IN 'abc'), substring('abc' FROM 1 FOR 2), substring('abc' FROM 2), substring('abc' FOR 2), substring('abc' FROM 'b'), substring('abc' FROM 'b' FOR '#'), substring('abc' SIMILAR 'b' ESCAPE '#'), substring('abc', 1, 2), trim('a'), trim(both 'a' from 'aba'), trim(leading 'a' from 'aba'), trim(trailing from 'a '), trim(leading from ' a'), trim('a', 'b'), trim(from 'a'), trim(both from ' a '), overlay('abc' placing 'x' from 2), overlay('abc' placing 'x' from 2 for 1), overlay('abc', 'x', 2), ltrim('a'), btrim('a'), rtrim('a ')
SELECT (1,2) = (1,2), ROW(1,2) = ROW(1,2), ROW(1), (1,2) < (2,3), (1,2) IN ((1,2),(3,4)), ROW(1,2) IS NULL, (1,2) IS DISTINCT FROM (1,3), (DATE '2026-01-01', DATE '2026-02-01') OVERLAPS (DATE '2026-01-15', INTERVAL '1 month')
SELECT 'a' COLLATE "C", 'a' COLLATE pg_catalog."C", ('a' || 'b') COLLATE "C" < 'c', 'a' < 'b' COLLATE "C"
SELECT '{"a":1}'::json -> 'a', '{"a":1}'::jsonb ->> 'a', '{"a":1}'::jsonb #> '{a}', '{"a":1}'::jsonb #>> '{a}', '{"a":1}'::jsonb @> '{"a":1}', '{"a":1}'::jsonb ? 'a', '{"a":1}'::jsonb ?| ARRAY['a'], '{"a":1}'::jsonb ?& ARRAY['a'], '{"a":1}'::jsonb - 'a', jsonb '{"a":1}' @? '$.a', jsonb '{"a":1}' @@ '$.a == 1', json '{"a": 1}', ('{"a":1}'::jsonb)['a']
SELECT '[1,2]'::jsonb @> '1', int4range(1,5) @> 3, int4range(1,5) && int4range(2,3), int4range(1,5) -|- int4range(5,6), '[1,5)'::int4range, numrange '[1,2]', daterange('2026-01-01', '2026-02-01', '[]')
SELECT a.x FROM (VALUES (1),(2)) AS a(x)
SELECT * FROM (VALUES (1,'a'),(2,'b')) AS t(i, s) WHERE i IN (1,2) ORDER BY 1 DESC NULLS LAST, 2 USING <
SELECT a.x, b.y FROM generate_series(1,3) AS a(x) CROSS JOIN generate_series(1,2) AS b(y)
SELECT * FROM generate_series(1,3) WITH ORDINALITY, generate_series(1,3) WITH ORDINALITY AS t(a, b)
SELECT * FROM ROWS FROM (generate_series(1,3), generate_series(1,2)) AS t(a,b)
SELECT * FROM ROWS FROM (generate_series(1,3), generate_series(1,2)) WITH ORDINALITY AS t(a,b,c)
SELECT * FROM unnest(ARRAY[1,2]) AS u
SELECT * FROM unnest(ARRAY[1,2], ARRAY['p','q']) AS g(i, x)
SELECT * FROM unnest(ARRAY[1,2], ARRAY['p','q']) WITH ORDINALITY AS g(i, x, n)
SELECT * FROM json_to_recordset('[{"a":1}]') AS x(a int, b text), jsonb_each('{"a":1}') e, json_to_record('{"a":1}') AS y(a int)
SELECT * FROM jsonb_array_elements('[1]') WITH ORDINALITY AS e(v, n)
SELECT p.patient_id FROM clinic.patients p LEFT JOIN LATERAL (SELECT v.cost FROM clinic.visits v WHERE v.patient_id = p.patient_id ORDER BY v.visit_date DESC LIMIT 1) lv ON true
SELECT p.patient_id FROM clinic.patients AS p NATURAL JOIN clinic.visits
SELECT p.patient_id FROM clinic.patients p JOIN clinic.visits v USING (patient_id)
SELECT p.patient_id FROM clinic.patients p FULL JOIN clinic.visits v ON p.patient_id = v.patient_id
SELECT p.patient_id FROM (clinic.patients p RIGHT JOIN clinic.visits v ON p.patient_id = v.patient_id) LEFT JOIN clinic.doctors d ON d.doctor_id = v.doctor_id
SELECT p.patient_id FROM ONLY clinic.patients p
SELECT p.patient_id FROM clinic.patients * p
TABLE clinic.patients
VALUES (1), (2) ORDER BY 1 LIMIT 1
(SELECT 1) UNION (SELECT 2) ORDER BY 1
SELECT 1 UNION ALL SELECT 2 UNION ALL (SELECT 3 LIMIT 1)
SELECT 1 INTERSECT SELECT 2 EXCEPT SELECT 3
SELECT 1 EXCEPT ALL SELECT 2 INTERSECT ALL SELECT 3
(SELECT 1 EXCEPT SELECT 2) EXCEPT SELECT 3
SELECT 1 EXCEPT (SELECT 2 EXCEPT SELECT 3)
WITH a AS (SELECT 1), b(x) AS MATERIALIZED (SELECT 2), c AS NOT MATERIALIZED (SELECT 3) SELECT * FROM a, b, c
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t
WITH RECURSIVE t(n) AS (VALUES (1) UNION SELECT n + 1 FROM t WHERE n < 5) SELECT n FROM t
SELECT hospital_ward, count(*) FROM clinic.patients GROUP BY hospital_ward HAVING count(*) > 5 ORDER BY count(*) DESC
SELECT hospital_ward, sex, count(*) FROM clinic.patients GROUP BY GROUPING SETS ((hospital_ward), (sex), ())
SELECT hospital_ward, sex, count(*) FROM clinic.patients GROUP BY ROLLUP (hospital_ward, sex)
SELECT hospital_ward, sex, count(*) FROM clinic.patients GROUP BY CUBE (hospital_ward, sex)
SELECT hospital_ward, sex, count(*) FROM clinic.patients GROUP BY DISTINCT ROLLUP (hospital_ward), ROLLUP (sex)
SELECT hospital_ward, sex, count(*) FROM clinic.patients GROUP BY ALL hospital_ward, sex
SELECT hospital_ward, grouping(hospital_ward), count(*) FROM clinic.patients GROUP BY ROLLUP (hospital_ward)
SELECT count(*) FILTER (WHERE sex = 'f'), count(DISTINCT hospital_ward), avg(extract(year from birth_date)) FROM clinic.patients
SELECT count(ALL sex) FROM clinic.patients
SELECT patient_id, row_number() OVER (PARTITION BY hospital_ward ORDER BY birth_date DESC NULLS FIRST) FROM clinic.patients
SELECT patient_id, rank() OVER w, dense_rank() OVER (w) FROM clinic.patients WINDOW w AS (PARTITION BY sex ORDER BY birth_date)
SELECT x, sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), sum(x) OVER (ORDER BY x RANGE UNBOUNDED PRECEDING), sum(x) OVER (ORDER BY x GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES), sum(x) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW), lag(x, 1, 0) OVER (ORDER BY x), first_value(x) OVER (ORDER BY x), nth_value(x, 2) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), ntile(2) OVER (ORDER BY x) FROM generate_series(1,5) x
SELECT string_agg(x::text, ',' ORDER BY x DESC), array_agg(DISTINCT x), percentile_cont(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY x), bool_and(x > 1), every(x > 1) FROM generate_series(1,5) x
SELECT patient_id FROM clinic.patients ORDER BY patient_id LIMIT 10 OFFSET 5
SELECT patient_id FROM clinic.patients ORDER BY patient_id OFFSET 5 ROWS FETCH FIRST 10 ROWS ONLY
SELECT patient_id FROM clinic.patients ORDER BY patient_id FETCH NEXT ROW ONLY
SELECT patient_id FROM clinic.patients ORDER BY birth_date FETCH FIRST 3 ROWS WITH TIES
SELECT patient_id FROM clinic.patients LIMIT ALL
SELECT patient_id FROM clinic.patients LIMIT NULL OFFSET 0
SELECT ALL patient_id FROM clinic.patients
SELECT DISTINCT patient_id, sex FROM clinic.patients
SELECT DISTINCT ON (patient_id) patient_id, sex FROM clinic.patients ORDER BY patient_id, sex
SELECT patient_id AS "Patient", sex AS "select", birth_date "Born on", hospital_ward ward FROM clinic.patients
SELECT "patient_id" FROM "clinic"."patients" AS "P"
SELECT patient_id FROM clinic.patients WHERE patient_id = $1 AND sex = $2::text AND birth_date > CAST($3 AS date) LIMIT $4
SELECT patient_id FROM clinic.patients WHERE EXISTS (SELECT 1 FROM clinic.visits v WHERE v.patient_id = patients.patient_id)
SELECT patient_id FROM clinic.patients WHERE patient_id NOT IN (SELECT patient_id FROM clinic.visits)
SELECT patient_id FROM clinic.patients WHERE patient_id = ANY (SELECT patient_id FROM clinic.visits)
SELECT patient_id, (SELECT count(*) FROM clinic.visits v WHERE v.patient_id = p.patient_id) FROM clinic.patients p
SELECT patient_id FROM clinic.patients WHERE birth_date OPERATOR(pg_catalog.>) '2000-01-01'
SELECT patient_id FROM clinic.patients WHERE patient_id OPERATOR(pg_catalog.=) ANY (ARRAY[1,2])
SELECT patient_id FROM clinic.patients WHERE sex OPERATOR(pg_catalog.~~) 'f%' AND hospital_ward OPERATOR(pg_catalog.~) '^(A)$' COLLATE pg_catalog.default
SELECT format('%s', 1), format('%s %s', VARIADIC ARRAY['a','b']), make_interval(days => 3), make_interval(days := 3), concat_ws(',', 'a', NULL, 'b')
SELECT 1 AS a, 2 b, 3 "c d", 4 AS order
SELECT 1;
SELECT /* c */ 1 -- x
SELECT NULL, NULL::int, (NULL), null::text IS NULL
SELECT ((((1))))
SELECT 5 NOT IN (1,2) AND NOT 5 IN (6)
SELECT 'a'::text::varchar(5)::text, '5'::int::text, (1 + 1)::text, -1::int, (-1)::int, - '1'::int
SELECT 'x' IS NFC NORMALIZED, normalize('x'), normalize('x', NFD), 'x' IS NORMALIZED, 'x' IS NOT NFKC NORMALIZED
SELECT collation for ('a')
SELECT cast('a' as name), name 'a', 'pg_class'::regclass, text 'a', uuid '00000000-0000-0000-0000-000000000000', inet '1.2.3.4', point '(1,2)', int '5', int4 '5', numeric '5', float8 '5', numeric(5,2) '5', date('2026-01-01'), text('a'), "char" 'a', float '5', double precision '5', bigint '5', smallint '3', real '3', decimal '3'
SELECT count(*), count(1), sum(1), max(x) FROM generate_series(1,3) x
SELECT max(x) FILTER (WHERE x > 1) OVER (), count(*) OVER () FROM generate_series(1,3) x
SELECT patient_id FROM clinic.patients WHERE (sex, hospital_ward) = ('f', 'A') AND (sex, hospital_ward) IN (('f','A'), ('m','B'))
SELECT patient_id FROM clinic.patients WHERE (patient_id, birth_date) > (5, '2000-01-01') ORDER BY patient_id, birth_date LIMIT 5
SELECT patient_id FROM clinic.patients WHERE NOT (sex = 'f' OR sex = 'm') AND (hospital_ward = 'A' OR hospital_ward = 'B') AND sex IS NOT NULL
SELECT patient_id FROM clinic.patients WHERE birth_date >= now() - interval '30 days' AND birth_date < current_date + 1 AND birth_date + '1 mon'::interval > now()
SELECT patient_id FROM clinic.patients WHERE birth_date BETWEEN date '2000-01-01' AND date '2000-01-01' + interval '1 month' - interval '1 day'
SELECT lower(sex) = 'f' COLLATE "C" FROM clinic.patients WHERE patient_id = 1
SELECT patient_id FROM clinic.patients ORDER BY sex COLLATE "C" DESC, birth_date USING >
DECLARE c CURSOR FOR SELECT 1
DECLARE c ASENSITIVE CURSOR FOR SELECT 1
DECLARE c BINARY CURSOR FOR SELECT 1
DECLARE c INSENSITIVE CURSOR FOR SELECT 1
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1
DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT 1
DECLARE c BINARY INSENSITIVE SCROLL CURSOR FOR SELECT 1
DECLARE c SCROLL CURSOR FOR VALUES (1), (2) UNION ALL SELECT visit_id FROM clinic.visits ORDER BY 1
DECLARE "C x" CURSOR FOR TABLE clinic.wards
FETCH c
FETCH NEXT FROM c
FETCH PRIOR c
FETCH FIRST FROM c
FETCH LAST IN c
FETCH ABSOLUTE 5 FROM c
FETCH ABSOLUTE -1 c
FETCH RELATIVE -2 FROM c
FETCH 10 FROM c
FETCH -10 FROM c
FETCH 0 FROM c
FETCH ALL FROM c
FETCH ALL c
FETCH FORWARD FROM c
FETCH FORWARD 5 FROM c
FETCH FORWARD 5 IN c
FETCH BACKWARD c
FETCH BACKWARD 5 FROM c
FETCH BACKWARD ALL FROM c
FETCH FORWARD -5 FROM c
MOVE 5 FROM c
MOVE FORWARD ALL IN c
MOVE BACKWARD 2 IN c
MOVE LAST IN c
MOVE c
PREPARE q AS SELECT 1
PREPARE q (int, text, numeric(5,2), int[]) AS SELECT $1, $2, $3, $4
EXECUTE q
EXECUTE q (1, 'a', 1.5, '{1}'::int[], true, NULL, 't'::bool, interval '1.5' second(1))
DEALLOCATE q
DEALLOCATE PREPARE q
EXPLAIN SELECT 1
EXPLAIN VERBOSE SELECT patient_id FROM clinic.patients
EXPLAIN (COSTS OFF) SELECT patient_id FROM clinic.patients
EXPLAIN (VERBOSE TRUE, COSTS 0) SELECT 1
COPY clinic.wards TO STDOUT
COPY clinic.wards (ward, floor) TO STDOUT
COPY (SELECT 1) TO STDOUT
COPY (SELECT 1) TO STDOUT CSV
COPY (SELECT 1) TO STDOUT WITH CSV
COPY (SELECT 1) TO STDOUT WITH CSV HEADER
COPY (SELECT 1) TO STDOUT CSV HEADER QUOTE '"' ESCAPE '\'
COPY (SELECT 1) TO STDOUT WITH CSV QUOTE ''''
COPY (SELECT 1) TO STDOUT WITH (FORMAT csv, QUOTE '''')
COPY (SELECT 1) TO STDOUT WITH (FORMAT csv, HEADER, DELIMITER ';', NULL '', QUOTE '"', ESCAPE '"', FORCE_QUOTE (a), ENCODING 'UTF8')
COPY (SELECT 1 AS a) TO STDOUT WITH CSV FORCE QUOTE a
COPY (SELECT 1) TO STDOUT (FORMAT csv, HEADER true)
COPY (SELECT 1) TO STDOUT (FORMAT csv, HEADER on)
COPY (SELECT 1) TO STDOUT (FORMAT csv, HEADER 1)
COPY (SELECT 1) TO STDOUT (FORMAT 'csv')
COPY (SELECT 1) TO STDOUT (FORMAT CSV)
COPY (SELECT 1) TO STDOUT DELIMITER ',' 
COPY (SELECT 1) TO STDOUT WITH DELIMITER AS ',' NULL AS 'NULL'
COPY (SELECT 1) TO STDOUT WITH NULL ''
COPY (SELECT 1) TO STDOUT DELIMITER E'\t'
COPY (SELECT 1) TO STDOUT WITH (DELIMITER E'\t', NULL E'\\N')
COPY (SELECT 1) TO STDOUT (FORMAT text, DELIMITER '|')
COPY BINARY clinic.wards TO STDOUT
COPY (SELECT 1) TO STDOUT WITH BINARY
COPY (SELECT 1) TO STDOUT ENCODING 'UTF8'
COPY (SELECT 't'::bool) TO STDOUT
BEGIN WORK
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE
BEGIN TRANSACTION READ WRITE
START TRANSACTION
START TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE
START TRANSACTION READ ONLY, ISOLATION LEVEL READ UNCOMMITTED
COMMIT WORK
COMMIT AND NO CHAIN
END TRANSACTION
ABORT
ROLLBACK WORK
ROLLBACK AND CHAIN
SAVEPOINT "A b"
ROLLBACK TO a
ROLLBACK WORK TO SAVEPOINT a
RELEASE a
SET statement_timeout = 1000
SET statement_timeout TO '5s'
SET LOCAL statement_timeout = '5s'
SET SESSION statement_timeout = 5
SET TIME ZONE 'UTC'
SET TIME ZONE 8
SET TIME ZONE -8
SET TIME ZONE 8.5
SET TIME ZONE DEFAULT
SET TIME ZONE LOCAL
SET timezone = 'Asia/Shanghai'
SET timezone TO DEFAULT
SET LOCAL TIME ZONE 'UTC'
SET search_path = clinic, public
SET search_path TO 'clinic'
SET SCHEMA 'clinic'
SET client_encoding TO 'UTF8'
SET client_encoding = utf8
SET datestyle TO ISO, DMY
SET DateStyle = ISO
SET application_name = 'x'
SET application_name TO x
SET standard_conforming_strings TO ON
SET bytea_output = 'hex'
SET intervalstyle = iso_8601
SET TRANSACTION READ ONLY
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ
SET client_min_messages = warning
SET client_min_messages TO 'error'
SET lock_timeout = 0
SET idle_in_transaction_session_timeout = '1min'
SET XML OPTION DOCUMENT
RESET statement_timeout
RESET TIME ZONE
SHOW timezone
SHOW SESSION AUTHORIZATION
DISCARD TEMP
DISCARD SEQUENCES
VACUUM clinic.patients
VACUUM (ANALYZE) clinic.patients
VACUUM ANALYZE clinic.patients
ANALYZE clinic.patients
ANALYSE clinic.patients
REINDEX TABLE CONCURRENTLY clinic.patients
REINDEX (CONCURRENTLY) TABLE clinic.patients
CREATE INDEX CONCURRENTLY ix ON clinic.patients (birth_date)
CREATE INDEX CONCURRENTLY ON clinic.patients USING btree (birth_date DESC NULLS LAST)
DROP INDEX CONCURRENTLY clinic.ix
DROP INDEX CONCURRENTLY IF EXISTS clinic.ix
SELECT ward FROM clinic.wards WHERE kind = 'icu'::clinic.ward_kind
SELECT ward FROM clinic.wards WHERE kind = 'icu'::ward_kind
SELECT ward FROM clinic.wards WHERE kind = CAST($1 AS clinic.ward_kind)
SELECT ward FROM clinic.wards WHERE kind = CAST($1::text AS "clinic"."ward_kind")
SELECT ward FROM clinic.wards w WHERE w.kind IN ('icu'::clinic.ward_kind, 'day'::clinic.ward_kind)
SELECT ward FROM clinic.wards WHERE kind = ANY('{icu,day}'::clinic.ward_kind[])
SELECT ward FROM clinic.wards WHERE kind = ANY(ARRAY['icu','d"ay']::clinic.ward_kind[])
SELECT ward FROM clinic.wards WHERE kind = ANY($1::clinic.ward_kind[])
SELECT ward FROM clinic.wards WHERE kind <> ALL(ARRAY['icu'::clinic.ward_kind, 'day'::clinic.ward_kind])
SELECT ward FROM clinic.wards WHERE kind BETWEEN 'icu'::clinic.ward_kind AND 'day'::clinic.ward_kind
SELECT ward FROM clinic.wards WHERE kind IS DISTINCT FROM 'icu'::clinic.ward_kind
SELECT ward, kind::clinic.ward_kind, coalesce(kind, 'icu'::clinic.ward_kind), nullif(kind, 'icu'::clinic.ward_kind) FROM clinic.wards
SELECT ward, CASE kind WHEN 'icu'::clinic.ward_kind THEN 1 ELSE 0 END FROM clinic.wards
SELECT ward, kind::text FROM clinic.wards WHERE kind::text = 'icu'
PREPARE q (clinic.ward_kind) AS SELECT ward FROM clinic.wards WHERE kind = $1
(SELECT cost FROM clinic.visits) UNION ALL VALUES (1.0::float8) UNION ALL SELECT 5.5 FROM clinic.patients p3 ORDER BY 1
VALUES ('a', 1) UNION ALL SELECT ward, floor FROM clinic.wards
VALUES ('2026-01-01', 1) UNION ALL SELECT visit_date, visit_id FROM clinic.visits
SELECT * FROM (VALUES (1), (2) UNION ALL SELECT visit_id FROM clinic.visits) AS x(id) WHERE id > 1
SELECT * FROM ROWS FROM (unnest(ARRAY[1,2], ARRAY['p','q']), generate_series(1,2)) AS g(i, x, n)
