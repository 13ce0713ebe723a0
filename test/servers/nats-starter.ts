// Starts a server, says its monitoring port, and waits for its end: a process for `nats.test.ts` to kill.

import { once } from 'node:events'
import { natsServer } from './nats.ts'

const { monitorPort } = await natsServer()
console.log(monitorPort)
await once(process.stdin, 'data')
