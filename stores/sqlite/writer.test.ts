import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { StoreError } from '../../src/index.ts'
import { checkFileOptions, type GroupWrite } from '../../storekit/index.ts'
import { made } from '../../test/stores/samples.ts'
import { type Connection, openConnection } from './connection.ts'
import { type Row, toRow } from './rows.ts'
import { sqliteStore } from './sqlite-store.ts'
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
  const options = checkFileOptions({ path, deadlineMs })
  const connection = await openConnection(options)
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
  const options = checkFileOptions({ path, deadlineMs: 500 })
  const connection = await openConnection(options)
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

test('a backup that is put in the place of the file is not written to by the thread', async () => {
  const path = join(folder, 'backup.db')
  const store = await sqliteStore({ path })
  await store.record(made('first'))
  const copy = new Database(path)
  await copy.backup(`${path}.backup`)
  // Another process has the file open all along, so that the write-ahead log stays where it is.
  copy.prepare('SELECT count(*) FROM command_log').get()
  renameSync(`${path}.backup`, path)
  const results = await Promise.allSettled(
    Array.from({ length: 400 }, (_, index) => store.record(made(`lost${index}`))),
  )
  assert.ok(results.every(({ status }) => status === 'rejected'))
  await store.close()
  copy.close()
  // It belongs to the file that was there before.
  for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
  const restored = new Database(path)
  assert.deepEqual(restored.pragma('integrity_check'), [{ integrity_check: 'ok' }])
  assert.deepEqual(restored.prepare('SELECT count(*) AS n FROM command_log').get(), { n: 1 })
  restored.close()
})

test('a relative path means the folder that the process was in when the store was opened', async () => {
  const [here, there] = [join(folder, 'here'), join(folder, 'there')]
  for (const each of [here, there]) mkdirSync(each)
  const before = process.cwd()
  process.chdir(here)
  try {
    const store = await sqliteStore({ path: 'log.db' })
    process.chdir(there)
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 30 }, (_, index) => store.record(made(`${round}-${index}`))))
      await sleep(10)
    }
    await store.close()
  } finally {
    process.chdir(before)
  }
  assert.equal(existsSync(join(there, 'log.db')), false)
  const database = new Database(join(here, 'log.db'), { readonly: true })
  assert.deepEqual(database.prepare('SELECT count(*) AS n FROM command_log').get(), { n: 600 })
  database.close()
})

test('where threads are forbidden everything is written all the same', async () => {
  const program = `
    import { sqliteStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
    const store = await sqliteStore({ path: ${JSON.stringify(join(folder, 'forbidden.db'))} })
    const record = (id) => store.record({ ...${JSON.stringify(made('x'))}, id })
    const results = await Promise.all(Array.from({ length: 200 }, (_, index) => record('c' + index)))
    await store.close()
    console.log(results.filter((result) => result === 'created').length)`
  const file = join(folder, 'forbidden.mts')
  writeFileSync(file, program)
  const flags = ['--permission', '--allow-addons', '--allow-fs-read=*', '--allow-fs-write=*']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file])
  assert.equal(stdout, '200\n')
})

test('a write-ahead log that overlapping readers keep from starting over is cut under load', async () => {
  const path = join(folder, 'wal.db')
  const store = await sqliteStore({ path })
  // Each holds a snapshot for 40 ms, and takes the next while the other still has its own.
  const readers = [new Database(path), new Database(path)]
  const timers = readers.map((reader, index) => {
    const read = (): void => {
      if (reader.inTransaction) reader.exec('COMMIT')
      reader.exec('BEGIN')
      reader.prepare('SELECT count(*) FROM command_log_meta').get()
    }
    let timer = setTimeout(() => {
      read()
      timer = setInterval(read, 40)
    }, index * 20)
    return () => clearInterval(timer)
  })
  const data = 'x'.repeat(100_000)
  const payload = { status: 'full', format: 'json', data: JSON.stringify(data), bytes: data.length + 2 } as const
  const until = performance.now() + 15_000
  let [largest, size] = [0, 0]
  for (let round = 0; performance.now() < until && !(largest > 64_000_000 && size < 20_000_000); round++) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => store.record(made(`${round}-${index}`, { payload }))))
    size = statSync(`${path}-wal`).size
    largest = Math.max(largest, size)
    await sleep(20)
  }
  for (const stop of timers) stop()
  for (const reader of readers) reader.close()
  await store.close()
  assert.ok(largest > 64_000_000 && size < 20_000_000, `${size} bytes, ${largest} at most`)
})
