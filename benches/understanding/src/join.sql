SELECT p.patient_id, p.name, p.phone, p.birth_date, v.visit_date, v.diagnosis, v.cost, d.name AS doctor, w.floor
FROM clinic.patients p JOIN clinic.visits v ON v.patient_id = p.patient_id
LEFT JOIN clinic.doctors d ON d.doctor_id = v.doctor_id LEFT JOIN clinic.wards w ON w.ward = d.ward
LEFT JOIN clinic.visits o ON o.patient_id = p.patient_id AND o.visit_date < v.visit_date
LEFT JOIN lab.samples s ON s.sample_id = v.visit_id
WHERE v.visit_date BETWEEN '2026-01-01' AND '2026-06-30' AND v.cost > 100
AND (v.diagnosis LIKE 'J%' OR v.diagnosis LIKE 'K%' OR v.diagnosis IS NULL)
AND p.sex = 'F' AND p.hospital_ward IN ('W1', 'W2', 'W3') AND d.name <> 'nobody'
AND coalesce(w.floor, 0) BETWEEN 0 AND 9 AND o.visit_id IS NULL AND s.result IS NOT NULL
AND p.birth_date < '1990-01-01' ORDER BY v.visit_date DESC, p.patient_id, v.cost LIMIT 100 OFFSET 20
