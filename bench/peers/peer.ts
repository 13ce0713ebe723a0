import { uuidv7 } from '../../src/identifier.ts'
import { orderOf } from '../typical-command.ts'

/** One way to run a command, with or without a trace of it. */
export interface Peer {
  /** As tables and charts name it; its figures stand under this name. */
  readonly name: string
  /** Package and version, and the settings that it runs with. */
  readonly settings: string
  /** What is left of a command once it was acknowledged, and what that survives. */
  readonly records: string
  /** What our record has and this one has not. */
  readonly lacks: string
  /** Opens it with nothing recorded yet. */
  open(place: Place): Promise<OpenPeer>
}

/** Where a peer may keep things: each of them new and empty, and removed afterwards. */
export interface Place {
  readonly folder: string
  /** A Postgres database, in which it has this schema to itself. */
  readonly url: string
  readonly schema: string
}

/** A peer that takes commands. */
export interface OpenPeer {
  /** Sends the next command, and resolves once it is handled and on whatever record the peer keeps. */
  send(): Promise<unknown>
  close(): Promise<void>
}

/** The data of a command, and who sends it. */
export interface Order {
  readonly data: { readonly orderId: string }
  readonly tenantId: string
  readonly userId: string
}

/** What every handler decides, whoever calls it: one event. */
export interface Placed {
  readonly events: readonly { readonly id: string; readonly type: string; readonly stream: string }[]
}

/** The work of the handler in every peer: it names an event and does nothing else. */
export function place({ data }: Order): Placed {
  return { events: [{ id: uuidv7(), type: 'order-placed', stream: data.orderId }] }
}

const tenants = 50
const users = 100

/** The orders of the other trials, one after the other. */
export function orderSource(): () => Order {
  let next = 0
  return () => {
    const index = next++
    return { data: orderOf(index), tenantId: `tenant-${index % tenants}`, userId: `user-${index % users}` }
  }
}
