// Sends commands without end and says on its stdout what it does, a line at a time, until somebody kills it.
// On SIGTERM it finishes what it has begun, closes everything and ends.

import { writeSync } from 'node:fs'
import { withCommandAudit } from 'commandlog'
import type { Saying } from './history.ts'
import { lyingStore } from './lying-store.ts'
import { seeded } from './seeded.ts'
import type { SenderOptions } from './sender-process.ts'
import { torturedStore } from './stores.ts'
import { commandsOf, tortureBus } from './workload.ts'

/** Not buffered in this process: what has been said stays said when it is killed. */
function say(saying: Saying): void {
  writeSync(1, `${JSON.stringify(saying)}\n`)
}

const { store: storeName, place, name, seed, lie }: SenderOptions = JSON.parse(process.argv[2] ?? '{}')
let isOver = false
process.on('SIGTERM', () => {
  isOver = true
})

say(['opening'])
const store = await (await torturedStore(storeName)).open(place)
const bus = withCommandAudit(tortureBus(say), lie ? lyingStore(store) : store, { source: { instance: name } })
bus.events.on('storeFailed', ({ data }) => say(['failure', `${data.error.code}: ${data.error.message}`]))

const random = seeded(seed)
const { inFlight, sendNext } = commandsOf({ name, random, bus, say })
await Promise.all(
  Array.from({ length: inFlight }, async () => {
    while (!isOver) await sendNext()
  }),
)
await bus.close()
await store.close()
