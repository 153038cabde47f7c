"""EXPLAIN (PORTCULLIS) as Python's drivers send it: simple, prepared, binary, pipelined."""
import asyncio
import os

import asyncpg
import psycopg

HOW = dict(host=os.environ["PGHOST"], port=os.environ["PGPORT"], user=os.environ["PGUSER"],
           password=os.environ["PGPASSWORD"], dbname=os.environ["PGDATABASE"], sslmode="disable")
ONE = "EXPLAIN (PORTCULLIS) SELECT name FROM clinic.patients WHERE patient_id = %s"
REFUSED = "EXPLAIN (PORTCULLIS) SELECT '李伟', diagnosis FROM clinic.patients"


def told(rows):
    return "\n".join(row[0] for row in rows)


with psycopg.connect(**HOW, autocommit=True) as session:
    # The seventh time it is a prepared statement of the server.
    pages = [told(session.execute(ONE, (7,))) for _ in range(7)]
    assert len(set(pages)) == 1 and "decision   allowed" in pages[0], pages
    assert told(session.execute(ONE, (7,), prepare=True, binary=True)) == pages[0]
    page = told(session.execute(REFUSED))
    assert "refused [scope.column]" in page and "^^^^^^^^^" in page, page
    answer = session.execute("EXPLAIN (PORTCULLIS, FORMAT JSON) SELECT 1").fetchone()[0]
    assert answer["allowed"] is True and answer["contract"] == "clinic-ops-2026", answer
    with session.pipeline():
        asked = [session.execute(REFUSED), session.execute("SELECT 1"), session.execute(ONE, (1,))]
    assert [told(asked[0]), asked[1].fetchall(), told(asked[2])] == [page, [(1,)], pages[0]]
    session.execute("DEALLOCATE ALL")
    assert told(session.execute(ONE, (7,))) == pages[0]


async def with_asyncpg():
    session = await asyncpg.connect(
        host=HOW["host"], port=HOW["port"], user=HOW["user"], password=HOW["password"],
        database=HOW["dbname"], ssl=False)
    rows = await session.fetch(ONE.replace("%s", "$1"))
    assert "\n".join(row["portcullis"] for row in rows) == pages[0]
    statement = await session.prepare(REFUSED)
    async with session.transaction():
        slices = [row async for row in statement.cursor(prefetch=2)]
    assert "\n".join(row["portcullis"] for row in slices) == page
    await session.close()


asyncio.run(with_asyncpg())
print("done")
