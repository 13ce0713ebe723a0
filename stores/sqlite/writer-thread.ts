// Runs in a thread of its own, with a connection of its own.

import { parentPort, workerData } from 'node:worker_threads'
import type { StoreError } from '../../src/index.ts'
import { toSqliteError } from '../../storekit/index.ts'
import { openConnection } from './connection.ts'
import { writeRows } from './write.ts'
import type { Answer, Packed, PackedResult, ThreadData } from './writer.ts'

const port = parentPort
if (port === null) throw new Error('This is a thread of the store')

const { options, place } = workerData as ThreadData
const connection = await openConnection(options, place)
const say = (answer: Answer): void => port.postMessage(answer)

/** One group after the other: answers are told apart by their order alone. */
let last: Promise<unknown> = Promise.resolve()
port.on('message', (message: readonly Packed[] | 'close') => {
  last = last.then(() => (message === 'close' ? close() : write(message)))
})

async function write(group: readonly Packed[]): Promise<void> {
  try {
    const results = await writeRows(
      connection,
      group.map(([intent, outcome]) => ({ intent, outcome })),
    )
    say({ results: results.map((result) => (typeof result === 'string' ? result : pack(result))) })
  } catch (thrown) {
    say({ failure: pack(toSqliteError(thrown, 'unknown')) })
  }
  connection.cutLog()
}

function close(): void {
  connection.close()
  port?.close()
}

say('open')

function pack({ code, message, written }: StoreError): PackedResult {
  return [code, message, written]
}
