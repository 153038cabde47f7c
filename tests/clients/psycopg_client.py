"""psycopg 3: text, binary, prepared, pipeline, server-side cursor, transactions, TLS where asked."""

import psycopg
from psycopg import sql

from checks import *

with psycopg.connect(autocommit=True) as conn:
    check("encoding", conn.info.encoding, "utf-8")
    version = conn.execute("select version()").fetchone()[0]
    check_that("version", version.startswith("PostgreSQL"), version)

    row = conn.execute("select patient_id, name, id_card, phone from clinic.patients where patient_id = 7").fetchone()
    check("look-up, text", row, (7, masked_name(7), masked_id_card(7), masked_phone(7)))

    row = conn.execute(
        "select patient_id, name, birth_date from clinic.patients where patient_id = %s", (8,), binary=True
    ).fetchone()
    check("look-up, binary", row[:2], (8, masked_name(8)))
    check("date, binary", row[2].isoformat(), conn.execute(
        "select birth_date from clinic.patients where patient_id = 8").fetchone()[0].isoformat())

    for p in (3, 4, 5, 6):
        got = conn.execute("select name from clinic.patients where patient_id = %s", (p,), prepare=True).fetchone()
        check(f"prepared, {p}", got, (masked_name(p),))

    check("star has the contract's columns",
          [c.name for c in conn.execute("select * from clinic.patients where patient_id = 1").description], COLUMNS)
    check("hidden row", conn.execute("select name from clinic.patients where patient_id = 10").fetchall(), [])
    check("no row", conn.execute("select name from clinic.patients where patient_id = -1").fetchall(), [])
    check("count", conn.execute("select count(*) from clinic.patients").fetchone(), (len(VISIBLE),))
    joined = conn.execute(
        "select p.patient_id, p.name, v.visit_id from clinic.patients p join clinic.visits v using (patient_id)"
        " where p.patient_id = any(%s) order by v.visit_id", ([1, 2],)).fetchall()
    check("join with array parameter", [r[2] for r in joined], [1, 2, 3, 4, 5, 6])

    with conn.pipeline():
        cursors = [conn.execute("select name from clinic.patients where patient_id = %s", (p,)) for p in VISIBLE[:20]]
        got = [c.fetchone()[0] for c in cursors]
    check("pipeline", got, [masked_name(p) for p in VISIBLE[:20]])

    with conn.transaction():
        with conn.cursor("walk") as cursor:
            cursor.itersize = 25
            cursor.execute("select patient_id, name from clinic.patients order by patient_id")
            check("server-side cursor", [r[0] for r in cursor], VISIBLE)

    with conn.transaction() as outer:
        conn.execute("savepoint a")
        try:
            conn.execute("select 1 / 0")
        except psycopg.errors.DivisionByZero:
            conn.execute("rollback to savepoint a")
        check("savepoint survives an error", conn.execute("select 2").fetchone(), (2,))

    check("empty query", conn.execute("").description, None)

    if THROUGH_GATE:
        refusals = [
            ("column out of scope", "select diagnosis from clinic.patients", "42501", "scope.column"),
            ("table out of scope", "select * from clinic.staff_secrets", "42501", "scope.table"),
            ("method not named: modify", "update clinic.patients set name = 'x'", "42501", "method.modify"),
            ("method not named: schema", "create table t (x int)", "42501", "method."),
            ("copy without export", "copy clinic.patients to stdout", "42501", "method.export"),
            ("notify", "notify x", "0A000", ""),
        ]
        for what, statement, state, reason in refusals:
            try:
                conn.execute(statement)
                check(what, "passed", "refused")
            except psycopg.Error as error:
                check_refusal(what, error.sqlstate, error.diag.message_primary, state, reason)
                check_that(what + ": hint", error.diag.message_hint, "no hint")
        check("usable after refusals", conn.execute("select 1").fetchone(), (1,))
        with psycopg.connect(sslmode="require", channel_binding="require") as tls:
            check("TLS with channel binding", tls.execute("select 1").fetchone(), (1,))
            check("TLS in use", tls.pgconn.ssl_in_use, True)
print("done")
