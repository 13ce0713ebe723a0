import {
  type CommandLogStore,
  type CommandQuery,
  type CommandRecord,
  type EventRef,
  InvalidArgument,
} from '../src/index.ts'

/** A command on the record, whatever became of it: refusals, conflicts, failures and dry runs too. */
export interface CommandNode {
  readonly kind: 'command'
  readonly id: string
  readonly record: CommandRecord
  readonly next: readonly CausalNode[]
}

/** An event, as the record of its command refers to it. */
export interface EventNode {
  readonly kind: 'event'
  readonly id: string
  readonly event: EventRef
  readonly next: readonly CausalNode[]
}

/**
 * Where a tree cannot go on as it should: `missing` is an orphan's cause that is not on the record (purged, sent past the
 * audit, or wrong), `cycle` its own cause, `repeated` shown in full elsewhere in the tree, and `limit` says that there is
 * more, beginning with this id.
 */
export interface LooseEnd {
  readonly kind: 'missing' | 'cycle' | 'repeated' | 'limit'
  readonly id: string
  readonly next: readonly CausalNode[]
}

/** A place in a causal tree; `next` holds its effects, or its causes. */
export type CausalNode = CommandNode | EventNode | LooseEnd

/** How much of a causal tree is walked. */
export interface CausalityOptions {
  /** The most nodes from the root to any other; default 100. */
  readonly maxDepth?: number | undefined
  /** The most commands and events of all; default 10,000. */
  readonly maxNodes?: number | undefined
}

/** What is used of a command log. */
export type CommandReads = Pick<CommandLogStore, 'get' | 'list'>

interface Walk {
  readonly log: CommandReads
  readonly isUp: boolean
  readonly maxDepth: number
  left: number
  /** What stands between the root and the place at hand. */
  readonly path: Set<string>
  readonly seen: Set<string>
}

/**
 * Why there is this event: the command that it came out of, what caused that, and so on to the beginning. Takes the id of
 * a command too. An event on several records, a dry run's among them, has several causes.
 */
export async function causes(log: CommandReads, eventId: string, options: CausalityOptions = {}): Promise<CausalNode> {
  const walk = walkOf(log, true, options)
  checkId('eventId', eventId)
  const [holder] = await all(log, { eventId }, 1)
  if (holder !== undefined) return await eventNode(walk, refIn(holder, eventId))
  const record = await log.get(eventId)
  return record === undefined ? missing(eventId) : await commandNode(walk, record)
}

/**
 * What came of this command: its events, the commands that it or they caused, and so on, in the order of recording. Takes
 * the id of an event too; and of what is not on the record, it gives what names it as its cause.
 */
export async function effects(
  log: CommandReads,
  commandId: string,
  options: CausalityOptions = {},
): Promise<CausalNode> {
  const walk = walkOf(log, false, options)
  checkId('commandId', commandId)
  const record = await log.get(commandId)
  if (record !== undefined) return await commandNode(walk, record)
  const [holder] = await all(log, { eventId: commandId }, 1)
  if (holder !== undefined) return await eventNode(walk, refIn(holder, commandId))
  return missing(commandId, await causedBy(walk, commandId))
}

function walkOf(log: CommandReads, isUp: boolean, { maxDepth = 100, maxNodes = 10_000 }: CausalityOptions): Walk {
  for (const [name, value] of Object.entries({ maxDepth, maxNodes })) {
    if (!(Number.isSafeInteger(value) && value >= 1)) throw new InvalidArgument(name, 'a whole number from 1', value)
  }
  return { log, isUp, maxDepth, left: maxNodes, path: new Set(), seen: new Set() }
}

/** A query takes undefined for no filter at all, and would find anything. */
function checkId(name: string, id: unknown): void {
  if (typeof id !== 'string') throw new InvalidArgument(name, 'the id of an event or a command', id)
}

function commandNode(walk: Walk, record: CommandRecord): Promise<CausalNode> {
  const { id, causationId } = record
  return visit(walk, `command ${id}`, id, async () => {
    const next = walk.isUp ? await causeOf(walk, causationId) : await cameOf(walk, record)
    return { kind: 'command', id, record, next }
  })
}

function eventNode(walk: Walk, event: EventRef): Promise<CausalNode> {
  const { id } = event
  return visit(walk, `event ${id}`, id, async () => {
    const next = walk.isUp ? await commandNodes(walk, { eventId: id }) : await causedBy(walk, id)
    return { kind: 'event', id, event, next }
  })
}

/** One node, or why it is none. */
async function visit(walk: Walk, key: string, id: string, make: () => Promise<CausalNode>): Promise<CausalNode> {
  if (walk.path.has(key)) return { kind: 'cycle', id, next: [] }
  if (walk.seen.has(key)) return { kind: 'repeated', id, next: [] }
  if (walk.left === 0 || walk.path.size >= walk.maxDepth) return { kind: 'limit', id, next: [] }
  walk.left--
  walk.seen.add(key)
  walk.path.add(key)
  const node = await make()
  walk.path.delete(key)
  return node
}

/** A cause is a command, or an event of one. */
async function causeOf(walk: Walk, id: string | undefined): Promise<readonly CausalNode[]> {
  if (id === undefined) return []
  const record = await walk.log.get(id)
  const [holder] = await all(walk.log, { eventId: id }, 1)
  const nodes: CausalNode[] = []
  if (record !== undefined) nodes.push(await commandNode(walk, record))
  if (holder !== undefined) nodes.push(await eventNode(walk, refIn(holder, id)))
  return nodes.length === 0 ? [missing(id)] : nodes
}

async function cameOf(walk: Walk, { id, events }: CommandRecord): Promise<readonly CausalNode[]> {
  const nodes: CausalNode[] = []
  for (const event of events) {
    nodes.push(await eventNode(walk, event))
    if (nodes.at(-1)?.kind === 'limit') return nodes
  }
  return [...nodes, ...(await causedBy(walk, id))]
}

function causedBy(walk: Walk, causationId: string): Promise<readonly CausalNode[]> {
  return commandNodes(walk, { causationId })
}

async function commandNodes(walk: Walk, query: CommandQuery): Promise<readonly CausalNode[]> {
  const nodes: CausalNode[] = []
  // One more than there is room for shows that there is more.
  for (const record of await all(walk.log, query, walk.left + 1)) {
    nodes.push(await commandNode(walk, record))
    // Its siblings would be the same: one says it for all.
    if (nodes.at(-1)?.kind === 'limit') break
  }
  return nodes
}

/** The first of all records that fit, through as many pages as it takes. */
async function all(log: CommandReads, query: CommandQuery, most: number): Promise<readonly CommandRecord[]> {
  const records: CommandRecord[] = []
  const limit = Math.min(most, 1000)
  let cursor: string | undefined
  do {
    const page = await log.list({ ...query, order: 'oldest', limit, cursor })
    records.push(...page.records)
    cursor = page.next
  } while (cursor !== undefined && records.length < most)
  return records
}

function refIn({ events }: CommandRecord, id: string): EventRef {
  return events.find((event) => event.id === id) ?? { id }
}

function missing(id: string, next: readonly CausalNode[] = []): LooseEnd {
  return { kind: 'missing', id, next }
}
