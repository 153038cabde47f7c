"""SQLAlchemy 2: reflection of the contract's tables, and a query through the reflected table."""

from sqlalchemy import MetaData, create_engine, func, inspect, select
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from checks import *

engine = create_engine("postgresql+psycopg://")
inspector = inspect(engine)

check("schemas", "clinic" in inspector.get_schema_names(), True)
check("tables", sorted(inspector.get_table_names(schema="clinic")), ["patients", "visits"])
check("columns", [c["name"] for c in inspector.get_columns("patients", schema="clinic")], COLUMNS)
check("types", [str(c["type"]) for c in inspector.get_columns("patients", schema="clinic")],
      ["INTEGER", "TEXT", "TEXT", "TEXT", "DATE", "TEXT", "TEXT"])
check("primary key", inspector.get_pk_constraint("patients", schema="clinic")["constrained_columns"], ["patient_id"])
foreign = inspector.get_foreign_keys("visits", schema="clinic")
check("foreign key", [(f["constrained_columns"], f["referred_schema"], f["referred_table"]) for f in foreign],
      [(["patient_id"], "clinic", "patients")])
inspector.get_indexes("patients", schema="clinic")
inspector.get_unique_constraints("patients", schema="clinic")
check("views", inspector.get_view_names(schema="clinic"), [])
check("table out of scope", inspector.has_table("staff_secrets", schema="clinic"), False)

metadata = MetaData()
metadata.reflect(engine, schema="clinic")
check("reflected", sorted(metadata.tables), ["clinic.patients", "clinic.visits"])
patients = metadata.tables["clinic.patients"]
visits = metadata.tables["clinic.visits"]
with engine.connect() as conn:
    row = conn.execute(select(patients).where(patients.c.patient_id == 7)).one()
    check("look-up", (row.patient_id, row.name, row.phone), (7, masked_name(7), masked_phone(7)))
    joined = conn.execute(
        select(patients.c.patient_id, patients.c.name, visits.c.visited_on)
        .join(visits).where(patients.c.patient_id == 7)).all()
    check("join", len(joined), 3)
    wards = conn.execute(
        select(patients.c.hospital_ward, func.count()).group_by(patients.c.hospital_ward)
        .order_by(patients.c.hospital_ward)).all()
    check("aggregate", [tuple(w) for w in wards],
          [(w, sum(1 for p in VISIBLE if ward(p) == w)) for w in "ABCD"])
engine.dispose()
print("done")
