import { basename } from 'node:path'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import type { CommandRecord } from '../src/index.ts'
import { natsStore } from '../stores/nats/index.ts'
import { Names } from '../stores/nats/names.ts'
import { type Draft, firstDrafts, outcomeDrafts, toRow } from '../stores/nats/rows.ts'
import { recordSubject } from '../stores/nats/schema.ts'
import { sharedNats } from '../test/servers/nats.ts'
import type { RawDriver, RawTransaction, StoreSubject } from './store-subjects.ts'

type Server = Awaited<ReturnType<typeof sharedNats>>

/** The most messages that the server takes in a batch. */
const mostInBatch = 1000
/** So many are published one by one without waiting between: the server makes files for a batch, which takes longer. */
const mostAlone = 200
const timeout = 5000

let started: Promise<Server> | undefined

/** A stream for every measurement, named after the folder that it is given. */
export const natsSubject: StoreSubject = {
  name: 'nats',
  // A stream has no index but that of subjects: whatever else is looked for reads all of it.
  finds: ['id'],
  indexes: ['id', 'correlation', 'type'],
  mostScanned: 10_000,
  // Rows of so few are pipelined, which is what durable writes are to be as fast as.
  aims: [{ inFlight: 256, rowsPerTransaction: 64, aim: 1 }],
  async open(folder) {
    const { url, auth } = await server()
    const store = await natsStore({ servers: url, ...auth, stream: streamOf(folder) })
    return { store, close: () => store.close() }
  },
  async raw(folder) {
    const { url, auth } = await server()
    const stream = streamOf(folder)
    // The stream is that of the store.
    await (await natsStore({ servers: url, ...auth, stream })).close()
    return rawNats(await connect({ servers: url, ...auth }), stream)
  },
  async remove(folder) {
    const { url, auth } = await server()
    const connection = await connect({ servers: url, ...auth })
    await connection.request(`$JS.API.STREAM.DELETE.${streamOf(folder)}`, '', { timeout })
    await connection.close()
  },
  async end() {
    await (await started)?.end()
    started = undefined
  },
}

async function server(): Promise<Server> {
  started ??= sharedNats()
  return await started
}

function streamOf(folder: string): string {
  return `bench_${basename(folder).replace(/\W/g, '')}`
}

/** The client by hand: for few records pipelined messages, for many an atomic batch, whichever is faster. */
function rawNats(connection: NatsConnection, stream: string): RawDriver {
  const most = (connection.info?.max_payload ?? 2 ** 20) - 512
  const inTransaction = (rows: number, drafts: readonly Draft[]): RawTransaction => ({
    rows,
    run: () => publish(connection, drafts),
  })
  const insert = (records: readonly CommandRecord[]): RawTransaction => {
    const names = new Names(stream)
    const drafts = records.flatMap((record) => {
      const row = toRow(record)
      const [intent, outcome] = row.isSettled ? [undefined, row] : [row, undefined]
      names.add(record, 0)
      return firstDrafts(stream, { intent, outcome }, 0, most)
    })
    return inTransaction(records.length, [...names.drafts(), ...drafts])
  }
  return {
    settings: `nats-server ${connection.info?.version}, storage=file replicas=1, sync_interval of the server (two minutes unless set)`,
    inserts: insert,
    pairs: (written) => [
      insert(written.map(({ intent }) => intent)),
      inTransaction(
        written.length,
        // Nobody reads these again, so they need not say where their intents are.
        written.flatMap(({ outcome }) => outcomeDrafts(stream, toRow(outcome), 0, most)),
      ),
    ],
    async find(_, key) {
      const body = JSON.stringify({ last_by_subj: recordSubject(stream, key) })
      const { headers: answer } = await connection.request(`$JS.API.DIRECT.GET.${stream}`, body, { timeout })
      return answer?.code === 404 ? 0 : 1
    },
    async purge() {
      await connection.request(`$JS.API.STREAM.PURGE.${stream}`, '', { timeout })
    },
    close: () => connection.close(),
  }
}

async function publish(connection: NatsConnection, drafts: readonly Draft[]): Promise<void> {
  if (drafts.length <= mostAlone) {
    const answers = drafts.map(({ subject, body }) => connection.request(subject, body, { timeout }))
    for (const answer of await Promise.all(answers)) checkAnswer(answer.string())
    return
  }
  for (let first = 0; first < drafts.length; first += mostInBatch) {
    await publishBatch(connection, drafts.slice(first, first + mostInBatch))
  }
}

let batches = 0

/** Only the last message of a batch is answered. */
async function publishBatch(connection: NatsConnection, drafts: readonly Draft[]): Promise<void> {
  const id = `bench-${batches++}`
  for (const [index, { subject, body }] of drafts.entries()) {
    const isLast = index === drafts.length - 1
    const options = { headers: batchHeaders(id, index + 1, isLast) }
    if (!isLast) connection.publish(subject, body, options)
    else checkAnswer((await connection.request(subject, body, { ...options, timeout })).string())
  }
}

function batchHeaders(id: string, sequence: number, isLast: boolean): ReturnType<typeof headers> {
  const own = headers()
  own.set('Nats-Batch-Id', id)
  own.set('Nats-Batch-Sequence', String(sequence))
  if (isLast) own.set('Nats-Batch-Commit', '1')
  return own
}

function checkAnswer(text: string): void {
  const { error } = JSON.parse(text) as { readonly error?: { readonly description: string } }
  if (error !== undefined) throw new Error(`the server refused a message: ${error.description}`)
}
