import fc, { type Arbitrary } from 'fast-check'
import type { CommandQuery, CommandRecord } from '../src/index.ts'
import { oneOf, outcomeStates } from './arbitraries.ts'
import type { Client } from './client.ts'
import { type Draw, drawn, queryOf } from './drawn-queries.ts'
import { walkOwn } from './filtering.ts'
import { isAskedFor, type Model } from './model.ts'
import { expectRecord, expectRecords, type Scope } from './scope.ts'
import { show } from './show.ts'
import { Violation } from './violation.ts'
import { expectPage, walk, walkType } from './walk.ts'

/** One step of the sequential model. Values come from small pools, so that steps meet. */
export type Operation =
  | {
      readonly kind: 'intent' | 'outcome'
      readonly id: number
      readonly variant: number
      readonly state: (typeof outcomeStates)[number]
    }
  | { readonly kind: 'get'; readonly id: number }
  | { readonly kind: 'correlation'; readonly variant: number }
  | { readonly kind: 'type' | 'list' | 'begin'; readonly draw: Draw }
  | { readonly kind: 'step'; readonly walk: number; readonly limit: number | undefined }

const variant = fc.nat(3)

const write = fc.record({
  kind: oneOf(['intent', 'outcome'] as const),
  id: fc.nat(7),
  variant,
  state: oneOf(outcomeStates),
})

/** Sequences of steps; shrinks to few. */
export const operations: Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: write },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('get' as const), id: fc.nat(7) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('correlation' as const), variant }) },
    { weight: 4, arbitrary: fc.record({ kind: oneOf(['type', 'list', 'begin'] as const), draw: drawn(2) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('step' as const),
        walk: fc.nat(3),
        limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      }),
    },
  ),
  { minLength: 1, maxLength: 30, size: 'max' },
)

/** A walk that is under way: what it must still give, and how to go on. */
interface OpenWalk {
  readonly query: CommandQuery
  /** What was there when it began; records may leave or join its filter later, which leaves open what it gives. */
  readonly snapshot: readonly CommandRecord[]
  readonly read: CommandRecord[]
  cursor: string | undefined
}

/** The state of one run: the model, and walks that are under way. */
export interface Run {
  readonly scope: Scope
  readonly model: Model
  readonly walks: OpenWalk[]
  /** The handle that takes the next step. */
  client(): Client
}

/** Does one step on the store and on the model, and compares. */
export async function perform(run: Run, operation: Operation): Promise<void> {
  const { scope, model } = run
  const client = run.client()
  switch (operation.kind) {
    case 'intent':
    case 'outcome': {
      const record = recordOf(scope, operation)
      return scope.write(record, model.write(record), client)
    }
    case 'get': {
      const id = scope.id(`${operation.id}`)
      return expectRecord(`get(${show(id)})`, await client.get(id), model.get(id))
    }
    case 'correlation': {
      const correlationId = scope.id(`c${operation.variant}`)
      const expected = model.select({ correlationId, order: 'oldest' })
      return expectRecords('findByCorrelation', await client.findByCorrelation(correlationId), expected)
    }
    case 'list': {
      const query = queryOf(scope, model.records, operation.draw)
      return expectRecords(`list(${show(query)})`, await walkOwn(scope, query, client), model.select(query))
    }
    case 'type': {
      const { type: _type, ...query } = queryOf(scope, model.records, operation.draw)
      const type = scope.id(`type ${operation.draw.form % 2}`)
      const expected = model.select({ ...query, type })
      return expectRecords(`findByType(${show(type)})`, await walkType(client, type, query), expected)
    }
    case 'begin':
      return beginWalk(run, queryOf(scope, model.records, operation.draw))
    default: {
      const open = run.walks[operation.walk % Math.max(1, run.walks.length)]
      return open === undefined ? undefined : stepWalk(run, open, operation.limit)
    }
  }
}

function recordOf(
  scope: Scope,
  { kind, id, variant, state }: Extract<Operation, { kind: 'intent' | 'outcome' }>,
): CommandRecord {
  // Texts that only this execution has, few of them, so that queries by them need no tenant and find several records.
  const own = (text: string): string => scope.id(text)
  const users = ['a', 'ab', 'A', 'a'].map(own)
  const attributes = { n: [0, 1, '0', '1'][id % 4] as string, own: own(`attribute ${id % 2}`) }
  const shared = { correlationId: own(`c${id % 4}`), attributes, metadata: { id }, type: own(`type ${id % 2}`) }
  // What differs between writes of one id is what only the first write, or only the outcome, decides.
  const intent = scope.intent(`${id}`, {
    ...shared,
    dryRun: id % 3 === 0,
    userId: users[variant] as string,
    receivedAt: 100 + ((id + variant) % 4),
  })
  const ofFirst =
    variant % 2 === 0
      ? intent
      : { ...intent, payload: { status: 'full', format: 'json', data: `${variant}`, bytes: 1 } as const }
  if (kind === 'intent') return ofFirst
  const events = Array.from({ length: variant }, (_, index) => ({ id: own(`event ${index}`) }))
  const problem = state === 'successful' ? {} : { problem: { code: own(`code ${variant % 2}`), title: 'no' } }
  return scope.outcome(ofFirst, { state, events, durationMs: variant + 0.5, settledAt: 200 + variant, ...problem })
}

async function beginWalk(run: Run, query: CommandQuery): Promise<void> {
  const open: OpenWalk = { query, snapshot: run.model.select(query), read: [], cursor: undefined }
  await readOn(run, open, query.limit)
}

async function stepWalk(run: Run, open: OpenWalk, limit: number | undefined): Promise<void> {
  run.walks.splice(run.walks.indexOf(open), 1)
  await readOn(run, open, limit ?? open.query.limit)
}

/** Reads one page, and compares what the walk has given once it is over. */
async function readOn(run: Run, open: OpenWalk, limit: number | undefined): Promise<void> {
  const asked: CommandQuery = { ...open.query, limit, ...(open.cursor !== undefined && { cursor: open.cursor }) }
  const page = await run.client().list(asked)
  expectPage(page, asked)
  const records = asked.tenantId === undefined ? page.records.filter(run.scope.isOwn) : page.records
  for (const record of records) expectRecord('a page of a walk', record, run.model.get(record.id))
  open.read.push(...records)
  open.cursor = page.next
  if (page.next !== undefined) run.walks.push(open)
  else expectWhole(run, open)
}

/** Every record that was there and asked for all along, exactly once and in order; none that never was. */
function expectWhole({ model }: Run, { query, snapshot, read }: OpenWalk): void {
  const ids = read.map(({ id }) => id)
  const lasting = snapshot.filter(({ id }) => isAskedFor(model.get(id) as CommandRecord, query))
  const missing = lasting.find(({ id }) => ids.filter((each) => each === id).length !== 1)
  const details = { expected: show(lasting.map(({ id }) => id)), actual: show(ids) }
  if (missing !== undefined) throw new Violation(`a walk does not give ${show(missing.id)} exactly once`, details)
  const oldest = model.records.map(({ id }) => id).filter((id) => ids.includes(id))
  const expected = query.order === 'oldest' ? oldest : oldest.toReversed()
  if (expected.join() !== ids.join())
    throw new Violation('a walk is not in order', { expected: show(expected), actual: show(ids) })
}

/** Ends a run: finishes its walks and compares everything. */
export async function finish(run: Run): Promise<void> {
  while (run.walks.length > 0) await stepWalk(run, run.walks[0] as OpenWalk, undefined)
  const { scope, model } = run
  const client = run.client()
  const all = await walk(client, { tenantId: scope.tenant, order: 'oldest' })
  expectRecords('a walk of everything', all, model.records)
  for (const record of model.records) expectRecord('get', await client.get(record.id), record)
}
