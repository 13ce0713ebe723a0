// Writes records to an SQLite log in groups, and says on its stdout what has been acknowledged. It is traced while it
// does: what it says and what it writes come in one order.

import { writeSync } from 'node:fs'
import Database from 'better-sqlite3'
import { sqliteStore } from 'commandlog/sqlite'
import { type Acknowledgement, type CrashWorkload, crashRecord } from './crash-workload.ts'
import { between, seeded } from './seeded.ts'

const { path, durability, records, mostBytes, checkpointPages }: CrashWorkload = JSON.parse(process.argv[2] ?? '{}')
const database = checkpointPages === undefined ? undefined : new Database(path)
database?.pragma(`wal_autocheckpoint = ${checkpointPages}`)
const store = await sqliteStore(database === undefined ? { path, durability } : { database, durability })

const random = seeded(1)
for (let first = 0; first < records; ) {
  const group = Array.from({ length: Math.min(between(random, 1, 8), records - first) }, (_, each) => first + each)
  await Promise.all(group.map((index) => write([index, 'intent'])))
  await Promise.all(group.map((index) => write([index, 'outcome'])))
  first += group.length
}
await store.close()
database?.close()

async function write(acknowledgement: Acknowledgement): Promise<void> {
  const [index, phase] = acknowledgement
  await store.record(crashRecord(index, mostBytes)[phase])
  writeSync(1, `${JSON.stringify(acknowledgement)}\n`)
}
