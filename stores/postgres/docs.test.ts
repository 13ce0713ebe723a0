import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { CommandBus, CommandRejected, defineCommand, withCommandAudit } from '../../src/index.ts'
import { sharedPostgres } from '../../test/servers/postgres.ts'
import { outcomeOf } from '../../test/stores/outcome.ts'
import { asUser, run, withSql } from '../../test/stores/postgres.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { postgresStore } from './index.ts'

const server = await sharedPostgres()
after(() => server.end())
const url = await server.database()
const page = readFileSync(new URL('../../docs/postgres.md', import.meta.url), 'utf8')
const fences = [...page.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, kind = '', body = '']) => ({ kind, body }))
const day = Date.UTC(2026, 10, 20)

/** The log that the page asks: the same as on the page of SQLite. */
async function fill(): Promise<void> {
  let now = day
  let worked = 0
  const clock = { now: () => now, monotonic: () => worked }
  const placeOrder = defineCommand<'place-order', { cents: number }>('place-order')
  const chargeCard = defineCommand<'charge-card', { cents: number }>('charge-card')
  const refund = defineCommand<'refund', { cents: number }>('refund')
  const bus = new CommandBus()
    .register(placeOrder, async ({ data }, { id, send }) => {
      worked += 40
      if (data.cents > 90_000) throw new CommandRejected({ code: 'limit-exceeded', title: 'Too much at once' })
      await send(chargeCard({ cents: data.cents }), { id: `${id}-charge` })
      return { events: [{ id: `placed-${id}`, type: 'order-placed', stream: `order-${id}` }] }
    })
    .register(chargeCard, ({ data }, { id }) => {
      worked += 250
      if (data.cents === 66_600) throw new CommandRejected({ code: 'card-declined', title: 'Declined' })
      return { events: [{ id: `charged-${id}`, type: 'card-charged', stream: 'payments' }] }
    })
    .register(refund, () => {
      worked += 15
      throw new Error('the bank does not answer')
    })
  const store = await postgresStore({ url })
  const shop = withCommandAudit(bus, store, { clock })
  const asked = [
    ['north', 'ada', 'till-1', placeOrder({ cents: 1200 })],
    ['north', 'bob', 'till-2', placeOrder({ cents: 66_600 })],
    ['south', 'cleo', 'till-7', placeOrder({ cents: 95_000 })],
    ['south', 'cleo', 'till-7', placeOrder({ cents: 4500 })],
    ['north', 'ada', 'till-1', refund({ cents: 1200 })],
  ] as const
  for (const [index, [tenantId, userId, clientRef, command]] of asked.entries()) {
    now = day + index * 1_800_000
    const attributes = { shift: index < 3 ? 'early' : 'late' }
    await shop.send(command, { id: `c${index + 1}`, tenantId, userId, clientRef, attributes }).catch(() => {})
  }
  // A process that died in the middle of a command leaves this behind.
  await store.record(made('c0', { type: 'place-order', userId: 'ada', receivedAt: day }))
  await shop.close()
  await store.close()
}

/** What psql would print, without its frame. */
async function ask(statement: string): Promise<string> {
  return await withSql(url, async (sql) => {
    const rows = await sql.unsafe(statement).values()
    return rows.map((row) => `${row.map((value) => (value === null ? '' : String(value))).join(' | ')}\n`).join('')
  })
}

describe('the page about Postgres', () => {
  before(fill)
  for (const [index, { kind, body }] of fences.entries()) {
    const next = fences[index + 1]
    if (kind !== 'sql' || next?.kind !== 'text') continue
    test(`Given the log, when asked ${body.split('\n')[0]}, then it answers what the page shows`, async () => {
      assert.equal(await ask(body), next.body)
    })
  }

  test('Given the settings for autovacuum of the page, then the tables take them', async () => {
    const settings = fences.find(({ body }) => body.includes('autovacuum_vacuum_insert_scale_factor'))?.body ?? ''
    await run(url, settings)
    const [row] = await run(
      url,
      "SELECT array_length(reloptions, 1) AS count FROM pg_class WHERE relname = 'command_log'",
    )
    assert.deepEqual(row, { count: 2 })
  })

  test('Given the rights of the page, then a writer, a reader and a purger can do what is theirs, and nothing more', async () => {
    const grants = fences.find(({ kind, body }) => kind === 'sql' && body.includes('CREATE ROLE'))?.body ?? ''
    // Roles are of the whole server, which may be shared.
    const suffix = `_${process.pid}`
    const own = grants.replace(/\bcommand_(writer|reader|purger)\b/g, `command_$1${suffix}`)
    await run(url, own.replace(/LOGIN/g, "LOGIN PASSWORD 'secret'"))
    const role = (name: string): string => asUser(url, `command_${name}${suffix}`, 'secret')
    const [writer, reader, purger] = await Promise.all(
      ['writer', 'reader', 'purger'].map((name) => postgresStore({ url: role(name) })),
    )
    assert.ok(writer && reader && purger)
    try {
      assert.deepEqual([await writer.record(made('g')), await writer.record(settled('g'))], ['created', 'settled'])
      assert.equal(await writer.record(settled('g', { durationMs: 9 })), 'unchanged')
      for (const store of [writer, reader, purger]) {
        assert.deepEqual(await store.get('g'), settled('g'))
        assert.equal((await store.list({ eventId: 'e-g' })).records.length, 1)
        assert.deepEqual(
          (await store.list({ attributes: { shift: 'late' } })).records.map(({ id }) => id),
          ['c5', 'c4'],
        )
        assert.equal((await store.follow()[Symbol.asyncIterator]().next()).done, false)
      }
      for (const store of [reader, purger])
        assert.equal(await outcomeOf(store.record(made('no'))), 'STORE_READ_ONLY no')
      for (const store of [reader, writer]) {
        assert.equal(await outcomeOf(store.purge({ retention: 'long-lived', before: day })), 'STORE_READ_ONLY no')
      }
      const forbidden = [
        "UPDATE command_log SET state = 'failed' WHERE id = 'g'",
        "UPDATE command_log SET payload = '{}' WHERE id = 'c0'",
        "UPDATE command_log SET user_id = 'eve' WHERE id = 'g'",
        "DELETE FROM command_log WHERE id = 'g'",
        'TRUNCATE command_log',
        'DROP TABLE command_log',
      ]
      for (const statement of forbidden) {
        const changed = await withSql(role('writer'), (sql) => sql.unsafe(statement)).then(
          ({ count }) => count,
          ({ code }) => code,
        )
        // Rows that a policy hides are not there for it.
        assert.ok(changed === '42501' || changed === 0, `${statement}: ${changed}`)
      }
      assert.equal(await purger.purge({ retention: 'long-lived', before: 2000 }), 1)
      assert.equal(await reader.get('g'), undefined)
    } finally {
      await Promise.all([writer, reader, purger].map((store) => store.close()))
      for (const name of ['writer', 'reader', 'purger']) {
        await run(url, `DROP OWNED BY command_${name}${suffix}; DROP ROLE command_${name}${suffix}`)
      }
    }
  })
})
