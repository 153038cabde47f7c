"""asyncpg: binary results, type introspection, prepared statements, cursors; it uses Flush."""

import asyncio

import asyncpg

from checks import *


async def run():
    conn = await asyncpg.connect(ssl=False)
    check("value", await conn.fetchval("select 40 + 2"), 42)
    row = await conn.fetchrow("select patient_id, name, birth_date, sex from clinic.patients where patient_id = $1", 7)
    check("look-up", (row["patient_id"], row["name"]), (7, masked_name(7)))

    statement = await conn.prepare("select name, phone from clinic.patients where patient_id = $1")
    check("prepared: columns", [a.name for a in statement.get_attributes()], ["name", "phone"])
    check("prepared: parameter type", [t.name for t in statement.get_parameters()], ["int4"])
    for p in (1, 2, 3):
        got = await statement.fetchrow(p)
        check(f"prepared, {p}", tuple(got), (masked_name(p), masked_phone(p)))

    async with conn.transaction():
        cursor = conn.cursor("select patient_id from clinic.patients order by patient_id", prefetch=17)
        check("cursor in portions", [r[0] async for r in cursor], VISIBLE)

    rows = await conn.fetch("select visit_id, cost, paid from clinic.visits where patient_id = any($1::int[])", [1, 2])
    check("array parameter", len(rows), 6)
    check("null", await conn.fetchval("select null::text"), None)

    try:
        async with conn.transaction():
            await conn.execute("select 1 / 0")
        check("division", "passed", "refused")
    except asyncpg.DivisionByZeroError:
        pass
    check("usable after an error", await conn.fetchval("select 1"), 1)

    if THROUGH_GATE:
        for what, query, state, reason in [
            ("column out of scope", "select diagnosis from clinic.patients where patient_id = $1", "42501", "scope.column"),
            ("listen", "listen x", "0A000", ""),
        ]:
            try:
                await (conn.fetch(query, 1) if "$1" in query else conn.execute(query))
                check(what, "passed", "refused")
            except asyncpg.PostgresError as error:
                check_refusal(what, error.sqlstate, str(error), state, reason)
        check("usable after a refusal", await conn.fetchval("select 1"), 1)
    await conn.close()


asyncio.run(asyncio.wait_for(run(), 60))
print("done")
