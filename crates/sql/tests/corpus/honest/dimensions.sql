SELECT count(*) FROM patients
SELECT sex, hospital_ward, count(*) FROM patients GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5
SELECT extract(year FROM birth_date) AS y, count(*) FROM patients GROUP BY y ORDER BY y
SELECT upper(p.hospital_ward) AS ward, count(p.phone) FROM patients p WHERE p.sex = 'F' GROUP BY ward
SELECT hospital_ward, sex, count(*) FROM patients GROUP BY ROLLUP (hospital_ward, sex) HAVING count(*) > 10
SELECT count(*) FILTER (WHERE sex = 'F') AS f, count(*) FROM patients WHERE hospital_ward IN ('W1', $1)
SELECT diagnosis, avg(cost), sum(cost * 2), stddev(cost), corr(cost, doctor_id) FROM visits GROUP BY diagnosis
SELECT sum(CASE WHEN diagnosis = 'flu' THEN cost ELSE 0 END) FROM visits
SELECT diagnosis, visit_date, doctor_id, count(DISTINCT patient_id) FROM visits GROUP BY diagnosis, visit_date, doctor_id
SELECT count(DISTINCT diagnosis), count(visit_date) FROM visits
SELECT count(DISTINCT patient_id) FROM patients
SELECT sex, n, sum(n) OVER () FROM (SELECT sex, count(*) AS n FROM patients GROUP BY sex) q WHERE n > 9
SELECT sex, count(*), rank() OVER (ORDER BY count(*) DESC) FROM patients GROUP BY sex
SELECT name, (SELECT avg(cost) FROM visits v WHERE v.diagnosis = 'flu') FROM patients p
SELECT 'w', count(*) FROM patients UNION ALL SELECT 'v', count(*) FROM visits
SELECT p.name, v.cost FROM patients p JOIN visits v USING (patient_id) WHERE v.cost > 10
SELECT patient_id, count(*) FROM visits WHERE cost > 10 GROUP BY patient_id
SELECT kind, count(*) FROM wards GROUP BY kind
