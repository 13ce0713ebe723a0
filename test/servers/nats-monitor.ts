/** What is read of a server's answers by HTTP, of `/healthz`, `/routez` and `/jsz`. */
export interface NatsView {
  readonly status?: string
  readonly routes?: readonly object[]
  readonly meta_cluster?: NatsGroup
  readonly account_details?: readonly {
    readonly stream_detail?: readonly NatsStream[]
  }[]
}

/** A stream, as a server sees it. */
interface NatsStream {
  readonly name: string
  readonly cluster?: NatsGroup
  readonly state?: NatsStreamState
}

/** What a server has of a stream. */
export interface NatsStreamState {
  readonly messages: number
  readonly bytes: number
  readonly first_seq: number
  readonly last_seq: number
}

/** The servers that keep something together, as one of them sees it. */
export interface NatsGroup {
  /** Its name; nothing where the server knows of none. */
  readonly leader?: string
  /** The others. What the leader does not say of them is a guess. */
  readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[]
}

/** Longer than any answer of a server that is neither frozen nor drowning. */
const patienceMs = 1000

/** Asks the server that has this monitoring port; nothing if there is no answer. */
export async function askMonitor(port: number, path: string): Promise<NatsView | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(patienceMs) })
    return (await response.json()) as NatsView
  } catch {
    return undefined
  }
}

/** The path of all that a server says of its streams. */
export const streamsPath = '/jsz?accounts=true&streams=true'

/** By name, what it says of the group of each of them. */
export function groupsOf(view: NatsView | undefined): Map<string, NatsGroup> {
  return new Map(streamsOf(view).map(({ name, cluster = {} }) => [name, cluster]))
}

/** By name, what it has of each of them. */
export function statesOf(view: NatsView | undefined): Map<string, NatsStreamState> {
  const states = streamsOf(view).flatMap(({ name, state }) => (state === undefined ? [] : [[name, state] as const]))
  return new Map(
    states.map(([name, { messages, bytes, first_seq, last_seq }]) => [name, { messages, bytes, first_seq, last_seq }]),
  )
}

function streamsOf(view: NatsView | undefined): readonly NatsStream[] {
  return view?.account_details?.flatMap(({ stream_detail = [] }) => stream_detail) ?? []
}
