// node-postgres: simple and extended queries, named statements, pool, errors.
// Modules of a script are looked up beside it; the driver lies in the cache: `DRIVERS` says where.
import { createRequire } from 'node:module'
import assert from 'node:assert/strict'

const pg = createRequire(process.env.DRIVERS + '/')('pg')
const gate = process.env.AGAINST === 'gate'
const patients = Number(process.env.PATIENTS)
const visible = patients - Math.floor(patients / 10)

function ok (what) { console.log('ok ' + what) }

const client = new pg.Client({ connectionTimeoutMillis: 10000, query_timeout: 20000 })
await client.connect()

let answer = await client.query('select patient_id, name, phone from clinic.patients where patient_id = 7')
assert.equal(answer.rows.length, 1)
assert.match(answer.rows[0].name, /^W\*+$/)
assert.match(answer.rows[0].phone, /^\*{7}\d{4}$/)
ok('simple')

answer = await client.query('select name from clinic.patients where patient_id = $1', [8])
assert.match(answer.rows[0].name, /^L\*+$/)
ok('parameter')

for (const id of [1, 2, 3]) {
  answer = await client.query({ name: 'by-id', text: 'select patient_id from clinic.patients where patient_id = $1', values: [id] })
  assert.equal(answer.rows[0].patient_id, id)
}
ok('named statement')

answer = await client.query('select 1 as a; select 2 as b')
assert.deepEqual(answer.map(one => one.rows), [[{ a: 1 }], [{ b: 2 }]])
ok('two statements in one message')

answer = await client.query('select count(*)::int as n from clinic.patients')
assert.equal(answer.rows[0].n, visible)
ok('count')

answer = await client.query({ text: 'select visit_id, cost, paid, visited_on from clinic.visits where patient_id = 1 order by 1', rowMode: 'array' })
assert.deepEqual(answer.rows.map(row => row[0]), [1, 2, 3])
ok('types')

await assert.rejects(client.query('select 1 / 0'), { code: '22012' })
answer = await client.query('select 1 as one')
assert.equal(answer.rows[0].one, 1)
ok('usable after an error')

if (gate) {
  for (const [statement, code, reason] of [
    ['select diagnosis from clinic.patients', '42501', 'scope.column'],
    ['select * from clinic.staff_secrets', '42501', 'scope.table'],
    ['delete from clinic.patients', '42501', 'method.modify'],
    ['select 1; select salary from clinic.staff_secrets', '42501', 'scope.table']
  ]) {
    await assert.rejects(client.query(statement), error => {
      assert.equal(error.code, code, error.message)
      assert.ok(error.message.startsWith(`portcullis[${reason}`), error.message)
      assert.ok(error.hint, 'a hint')
      return true
    })
  }
  ok('refusals')
}
await client.end()

const pool = new pg.Pool({ max: 4 })
const answers = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(id =>
  pool.query('select patient_id from clinic.patients where patient_id = $1', [id])))
assert.deepEqual(answers.map(one => one.rows[0].patient_id), [1, 2, 3, 4, 5, 6, 7, 8])
await pool.end()
ok('pool')
console.log('done')
