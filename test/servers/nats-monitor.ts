/** What is read of a server's answers by HTTP, of `/healthz`, `/routez` and `/jsz`. */
export interface NatsView {
  readonly status?: string
  readonly routes?: readonly object[]
  readonly meta_cluster?: NatsGroup
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly cluster?: NatsGroup }[]
  }[]
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
  const streams = view?.account_details?.flatMap(({ stream_detail = [] }) => stream_detail) ?? []
  return new Map(streams.map(({ name, cluster = {} }) => [name, cluster]))
}
