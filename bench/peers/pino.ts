import { join } from 'node:path'
import { destination, pino } from 'pino'
import { uuidv7 } from '../../src/identifier.ts'
import { type Order, orderSource, type Peer, place } from './peer.ts'
import { versionOf } from './version.ts'

/** What many write by hand: two lines in a file. */
export const pinoFile: Peer = {
  name: 'pino file log',
  settings: `pino ${versionOf('pino')}, destination with sync: true, one write a line, no fsync`,
  records:
    'a line with the payload before the handler, a line with the events after it; they survive the process, not the loss of power',
  lacks: 'durability, a query, one outcome per id, answers to repeats, redaction of what a payload holds',
  async open({ folder }) {
    const next = orderSource()
    const file = destination({ dest: join(folder, 'commands.log'), sync: true })
    const log = pino(file)
    const send = async ({ data, tenantId, userId }: Order): Promise<unknown> => {
      const id = uuidv7()
      const start = performance.now()
      log.info({ id, type: 'place-order', state: 'created', tenantId, userId, data })
      const { events } = place({ data, tenantId, userId })
      log.info({ id, state: 'successful', events, durationMs: performance.now() - start })
      return events
    }
    return { send: () => send(next()), close: async () => file.end() }
  },
}
