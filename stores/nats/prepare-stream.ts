import { randomUUID } from 'node:crypto'
import type { Connection } from './connection.ts'
import { dataOf, type StreamInfo } from './messages.ts'
import type { Reader } from './reader.ts'
import { oldestServer, streamConfig } from './schema.ts'
import { Failure, incompatible, unsent } from './store-error.ts'

/** Checks what the promise needs, and makes the stream where there is none. Gives what the log is called. */
export async function prepareStream(connection: Connection, reader: Reader): Promise<string> {
  const { stream, replicas } = connection.options
  const until = connection.until()
  await connection.patiently(until, () => checkServer(connection, until))
  const info = await connection.patiently(until, async () => (await find(reader, until)) ?? (await make()))
  return dataOf(info)

  async function make(): Promise<StreamInfo> {
    const config = streamConfig(stream, replicas, randomUUID())
    await connection.api(`STREAM.CREATE.${stream}`, config, until).catch((thrown) => {
      // Somebody else may have been first.
      if (!(thrown instanceof Failure && thrown.code === 'STORE_EXISTS')) throw thrown
    })
    const made = await find(reader, until)
    // The leader that answers may not have heard of it yet.
    if (made === undefined) throw unsent()
    return made
  }
}

async function checkServer(connection: Connection, until: number): Promise<void> {
  const { link } = await connection.up(until)
  const version = link.info?.version ?? '0'
  const [numbers = []] = [version.match(/\d+/g)?.map(Number)]
  const first = oldestServer.findIndex((number, at) => number !== (numbers[at] ?? 0))
  if (first !== -1 && (numbers[first] ?? 0) < (oldestServer[first] ?? 0)) {
    throw incompatible(`The server is too old: expected nats-server ${oldestServer.join('.')} or later`)
  }
}

async function find(reader: Reader, until: number): Promise<StreamInfo | undefined> {
  try {
    return await reader.info(until)
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'STORE_MISSING') return undefined
    throw thrown
  }
}
