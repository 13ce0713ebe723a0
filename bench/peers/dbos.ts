import { DBOS } from '@dbos-inc/dbos-sdk'
import { type Order, orderSource, type Peer, type Placed, place } from './peer.ts'
import { versionOf } from './version.ts'

// DBOS has 10 connections unless told otherwise. With more of them its transactions share syncs of the server's log.
const connections = 20

const placeOrder = DBOS.registerWorkflow(async (order: Order): Promise<Placed> => place(order), { name: 'placeOrder' })

/** Durable workflows on Postgres: a workflow without steps leaves an intent and an outcome, as a command of ours does. */
export const dbos: Peer = {
  name: 'DBOS',
  settings: `@dbos-inc/dbos-sdk ${versionOf('@dbos-inc/dbos-sdk')}, one workflow without steps a command, called directly (no queue), ${connections} connections (its default is 10), log level error, no tracing`,
  records:
    'the input before the function starts and its output before the call resolves, each in a transaction of its own; status, times, executor; it survives power loss of the server',
  lacks:
    'correlation and causation, tenants, events, refusals as such, redaction, a bound on payloads; it has what we have not: steps, queues, and running unfinished workflows again',
  async open({ url, schema }) {
    const next = orderSource()
    DBOS.setConfig({
      name: 'bench',
      systemDatabaseUrl: url,
      systemDatabaseSchemaName: schema,
      systemDatabasePoolSize: connections,
      logLevel: 'error',
      applicationVersion: 'bench',
    })
    await DBOS.launch()
    return { send: () => placeOrder(next()), close: () => DBOS.shutdown() }
  },
}
