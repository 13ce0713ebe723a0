import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import {
  type CheckOptions,
  checks,
  durableChecks,
  followChecks,
  purgeChecks,
  runCheck,
  type StoreOrOpen,
} from '../../commandlogtest/index.ts'
import { sqliteStore } from './index.ts'

const folder = mkdtempSync(join(realpathSync(tmpdir()), 'commandlog-sqlite-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const live = [...checks, ...followChecks, ...purgeChecks]
const all = [...live, ...durableChecks]

function conforms(list: typeof all, storeOrOpen: StoreOrOpen, options?: CheckOptions): void {
  for (const check of list) {
    test(`${check.name}: ${check.rule}`, async () => {
      await runCheck(check, storeOrOpen, options)
    })
  }
}

describe('a store that opens its file keeps every rule', () => {
  conforms(all, (name) => sqliteStore({ path: join(folder, `${name}.db`) }))
})

describe("a store with durability 'process' keeps every rule", () => {
  const open = (name: string) => sqliteStore({ path: join(folder, `process-${name}.db`), durability: 'process' })
  conforms(all, open, { runs: 10 })
})

describe('a store on a borrowed handle keeps every rule of a live store', async () => {
  const database = new Database(join(folder, 'borrowed.db'))
  after(() => void database.close())
  conforms(live, await sqliteStore({ database }), { runs: 10 })
})
