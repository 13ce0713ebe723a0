import type { CommandRecord } from 'commandlog'

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

/** So many ids: c0, c1, c2. */
export function ids(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `c${n}`)
}
