import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import {
  durableEventStoreChecks,
  eventStoreChecks,
  fenceChecks,
  type OpenEventStore,
  runEventStoreCheck,
} from '../eventstoretest/index.ts'
import { sqliteStore } from '../stores/sqlite/index.ts'
import { memoryEventStore } from './memory-event-store.ts'
import { oneTransaction } from './one-transaction.ts'
import { sqliteEventStore } from './sqlite-event-store.ts'

const core = [...eventStoreChecks, ...fenceChecks]
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commandlog-event-stores-'))
})
after(() => rm(folder, { recursive: true, force: true }))

/** A file name for which the case of letters counts, whatever the file system says. */
function fileOf(name: string): string {
  return join(folder, `${name.replaceAll(/[A-Z]/g, (letter) => `${letter}+`)}.db`)
}

const overLog: OpenEventStore = async (name) => {
  const path = fileOf(`log-${name}`)
  const log = await sqliteStore({ path })
  const store = oneTransaction(log, await sqliteEventStore({ path }))
  return {
    ...store,
    async close() {
      await store.close()
      await log.close()
    },
  }
}

describe('events in memory keep every rule', { timeout: 60_000 }, () => {
  for (const check of core) test(check.name, () => runEventStoreCheck(check, () => memoryEventStore()))
})

describe('events in a file keep every rule', { timeout: 120_000 }, () => {
  const open: OpenEventStore = (name) => sqliteEventStore({ path: fileOf(name) })
  for (const check of [...core, ...durableEventStoreChecks]) {
    test(check.name, () => runEventStoreCheck(check, open, { runs: 20 }))
  }
})

describe('events on a borrowed handle keep every rule of a live store', { timeout: 60_000 }, () => {
  for (const check of core) {
    test(check.name, async () => {
      const database = new Database(fileOf(check.name.replaceAll('/', '-')))
      const store = await sqliteEventStore({ database })
      try {
        await runEventStoreCheck(check, store, { runs: 15 })
      } finally {
        await store.close()
        database.close()
      }
    })
  }
})

describe('events beside a command log, as one transaction offers them, keep every rule', { timeout: 60_000 }, () => {
  for (const check of [...core, ...durableEventStoreChecks]) {
    test(check.name, () => runEventStoreCheck(check, overLog, { runs: 10 }))
  }
})
