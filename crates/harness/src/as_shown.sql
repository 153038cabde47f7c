-- The sample contract's effect, done to the data itself.
set session_replication_role = replica; -- the hidden patients' visits stay
delete from clinic.patients where hospital_ward = 'VIP';
alter table clinic.patients drop constraint patients_id_card_key;
update clinic.patients set
  name = left(name, 1) || repeat('*', length(name) - 1),
  id_card = repeat('*', length(id_card) - 4) || right(id_card, 4),
  phone = repeat('*', length(phone) - 4) || right(phone, 4);
alter table clinic.patients drop column diagnosis, drop column doctor_note, drop column doctor_id;
drop function clinic.salary_of(int);
drop table clinic.doctors, clinic.staff_secrets;
analyze clinic.patients;
