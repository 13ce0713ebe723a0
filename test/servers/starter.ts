// Starts a server, says its port, and on a line from its stdin fails to clean up as its argument says: a process for
// `postgres.test.ts` to end.

import { once } from 'node:events'
import { postgresServer } from './postgres.ts'

const { port } = await postgresServer()
console.log(port)
await once(process.stdin, 'data')
if (process.argv[2] === 'throw') throw new Error('thrown by the test')
process.exit(3)
