import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandRecord } from '../../../src/index.ts'

const empty: CommandRecord = {
  id: 'c',
  type: 'order',
  state: 'created',
  correlationId: 'k',
  payload: { status: 'full', format: 'json', data: '{}', bytes: 2 },
  events: [],
  importance: 'normal',
  retention: 'long-lived',
  dryRun: false,
  receivedAt: 1000,
}

/** An intent. */
export function made(id: string, fields: Partial<CommandRecord> = {}): CommandRecord {
  return { ...empty, id, ...fields }
}

/** An outcome. */
export function settled(id: string, fields: Partial<CommandRecord> = {}): CommandRecord {
  return made(id, { state: 'successful', events: [{ id: `e-${id}` }], settledAt: 1001, durationMs: 0.25, ...fields })
}

/** Gives a new folder to `use`, and removes it afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'commandlog-sqlite-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Gives the path of a file that is not there yet, in a folder of its own, to `use`, and removes all afterwards. */
export async function withPath<T>(use: (path: string) => Promise<T>): Promise<T> {
  return await inFolder((folder) => use(join(folder, 'log.db')))
}
