import { randomBytes } from 'node:crypto'
import { type NatsStore, type NatsStoreOptions, natsStore } from 'commandlog/nats'

/** Names of streams that nobody else has on this server. */
export function streamNames(): () => string {
  const prefix = `log-${randomBytes(6).toString('hex')}`
  let count = 0
  return () => `${prefix}-${count++}`
}

/** What the server's monitor says of its connections. */
interface Connections {
  readonly server_id: string
  readonly connections: readonly { readonly cid: number; readonly name?: string }[]
}

/** Asks the server that has this monitoring port. */
export async function connectionsAt(monitorPort: number): Promise<Connections> {
  const answer = await fetch(`http://127.0.0.1:${monitorPort}/connz`, { signal: AbortSignal.timeout(5000) })
  return (await answer.json()) as Connections
}

/** How many connections of stores the server has. */
export async function connectionsOf({ monitorPort }: { readonly monitorPort: number }): Promise<number> {
  return (await connectionsAt(monitorPort)).connections.filter(({ name }) => name === 'commandlog').length
}

/** Opens stores, and closes those that a test has left open: one would keep its process from ending. */
export function stores(): { open(options: NatsStoreOptions): Promise<NatsStore>; close(): Promise<void> } {
  const opened: NatsStore[] = []
  return {
    async open(options) {
      const store = await natsStore(options)
      opened.push(store)
      return store
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()))
    },
  }
}
