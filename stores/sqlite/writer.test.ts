import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { StoreError } from '../../src/index.ts'
import type { GroupWrite } from '../../storekit/index.ts'
import { Connection } from './connection.ts'
import { checkOptions } from './options.ts'
import { type Row, toRow } from './rows.ts'
import { sqliteStore } from './sqlite-store.ts'
import { made } from './testing/samples.ts'
import { makeWriter, type Writer } from './writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'commandlog-writer-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function groupOf(name: string, size = 20): GroupWrite<Row>[] {
  return Array.from({ length: size }, (_, index) => ({
    intent: toRow(made(`${name}${index}`)),
    outcome: undefined,
  }))
}

/** A writer whose thread is up, and whose own connection must not be written through any more. */
async function threaded(
  name: string,
  deadlineMs = 2000,
): Promise<{ writer: Writer; connection: Connection; path: string }> {
  const path = join(folder, `${name}.db`)
  const options = checkOptions({ path, deadlineMs })
  const connection = await Connection.open(options)
  const writer = makeWriter(connection, options)
  await writer.write(groupOf('first'))
  const write = connection.write.bind(connection)
  let isHere = true
  connection.write = (work) => {
    isHere = true
    return write(work)
  }
  for (let attempt = 0; isHere; attempt++) {
    assert.ok(attempt < 200, 'the thread never came up')
    await sleep(20)
    isHere = false
    await writer.write(groupOf(`try${attempt}-`))
  }
  connection.write = () => assert.fail('written in the thread of the event loop')
  return { writer, connection, path }
}

async function end({ writer, connection }: { writer: Writer; connection: Connection }): Promise<void> {
  await writer.close()
  connection.close()
}

test('a large group is written by the thread, and read at once by the store itself', async () => {
  const { writer, connection, ...rest } = await threaded('large')
  assert.deepEqual(await writer.write(groupOf('x')), Array(20).fill('created'))
  const found = await connection.read(() =>
    connection.prepare("SELECT count(*) AS n FROM command_log WHERE id LIKE 'x%'").get(),
  )
  assert.deepEqual(found, { n: 20 })
  const outcome = toRow(made('x7', { state: 'failed', settledAt: 5, problem: { code: 'no' } }))
  const writes = [...groupOf('x', 19), { intent: undefined, outcome }]
  assert.deepEqual(await writer.write(writes), [...Array(19).fill('unchanged'), 'settled'])
  await end({ writer, connection, ...rest })
})

test('bytes come through the thread as they are', async () => {
  const used = await threaded('bytes')
  const data = Uint8Array.from({ length: 300 }, (_, index) => index % 256)
  const payload = { status: 'full', format: 'cbor', data, bytes: 300 } as const
  await used.writer.write([...groupOf('x'), { intent: toRow(made('bytes', { payload })), outcome: undefined }])
  await end(used)
  const store = await sqliteStore({ path: used.path })
  assert.deepEqual((await store.get('bytes'))?.payload, payload)
  await store.close()
})

test('one record that is refused in the thread takes none of its neighbours along', async () => {
  const used = await threaded('refused')
  const bad = { intent: toRow(made('bad', { attempts: 1.5 })), outcome: undefined }
  const [first, ...others] = await used.writer.write([bad, ...groupOf('x')])
  assert.ok(first instanceof StoreError)
  assert.deepEqual([first.code, first.written], ['INVALID_RECORD', 'no'])
  assert.deepEqual(others, Array(20).fill('created'))
  await end(used)
})

test('a file that is locked for too long is STORE_TIMEOUT from the thread, and nothing is written', async () => {
  const used = await threaded('locked', 300)
  const other = new Database(used.path)
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(used.writer.write(groupOf('x')), { name: 'StoreError', code: 'STORE_TIMEOUT', written: 'no' })
  other.exec('ROLLBACK')
  assert.deepEqual(await used.writer.write(groupOf('x')), Array(20).fill('created'))
  other.close()
  await end(used)
})

test('a file that is moved away is noticed by the thread, which goes on once it is back', async () => {
  const used = await threaded('moved')
  const away = `${used.path}.away`
  renameSync(used.path, away)
  await assert.rejects(used.writer.write(groupOf('x')), { name: 'StoreError', code: 'STORE_UNAVAILABLE' })
  renameSync(away, used.path)
  const results = await used.writer.write(groupOf('x'))
  assert.ok(results.every((result) => result === 'created' || result === 'unchanged'))
  await end(used)
})

test('under load a store writes everything once, whoever writes it, and leaves no log behind when it closes', async () => {
  const path = join(folder, 'load.db')
  const store = await sqliteStore({ path })
  const results = new Map<string, number>()
  for (let round = 0; round < 30; round++) {
    const size = round % 3 === 0 ? 3 : 120
    const records = Array.from({ length: size }, (_, index) => made(`${round}-${index}`))
    for (const result of await Promise.all([...records, ...records].map((record) => store.record(record)))) {
      results.set(result, (results.get(result) ?? 0) + 1)
    }
  }
  assert.deepEqual(Object.fromEntries(results), { created: 10 * 3 + 20 * 120, unchanged: 10 * 3 + 20 * 120 })
  await store.close()
  const database = new Database(path, { readonly: true })
  assert.deepEqual(database.prepare('SELECT count(*) AS n, count(DISTINCT sequence) AS s FROM command_log').get(), {
    n: 2430,
    s: 2430,
  })
  database.close()
})

test('a thread that finds no file makes none, and the store says what is wrong', async () => {
  const path = join(folder, 'gone.db')
  const options = checkOptions({ path, deadlineMs: 500 })
  const connection = await Connection.open(options)
  const writer = makeWriter(connection, options)
  renameSync(path, `${path}.away`)
  await sleep(300)
  await assert.rejects(writer.write(groupOf('x')), { name: 'StoreError', code: 'STORE_UNAVAILABLE', written: 'no' })
  await sleep(300)
  assert.equal(existsSync(path), false)
  renameSync(`${path}.away`, path)
  assert.deepEqual(await writer.write(groupOf('x')), Array(20).fill('created'))
  await end({ writer, connection })
})
