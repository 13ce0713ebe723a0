// Runs in a thread of its own, with a connection of its own.

import { parentPort, workerData } from 'node:worker_threads'
import type { StoreError } from '../../src/index.ts'
import { Connection } from './connection.ts'
import { toStoreError } from './store-error.ts'
import { writeRows } from './write.ts'
import type { Answer, Packed, PackedResult, ThreadData } from './writer.ts'

const port = parentPort
if (port === null) throw new Error('This is a thread of the store')

const { options, place } = workerData as ThreadData
const connection = await Connection.open(options, place)
const say = (answer: Answer): void => port.postMessage(answer)

port.on('message', async (message: readonly Packed[] | 'close') => {
  if (message === 'close') {
    connection.close()
    port.close()
    return
  }
  try {
    const results = await writeRows(
      connection,
      message.map(([intent, outcome]) => ({ intent, outcome })),
    )
    say({ results: results.map((result) => (typeof result === 'string' ? result : pack(result))) })
  } catch (thrown) {
    say({ failure: pack(toStoreError(thrown, 'unknown')) })
  }
  connection.cutLog()
})
say('open')

function pack({ code, message, written }: StoreError): PackedResult {
  return [code, message, written]
}
