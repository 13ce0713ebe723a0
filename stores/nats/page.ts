import type { CommandRecord } from '../../src/index.ts'
import type { Standing } from './reader.ts'

/** As many messages are looked at for one page, and for so much of its time: then it ends, short or empty. */
const [mostLooked, mostOfTime] = [65_536, 0.4]

/** Records, and where the last of them stands if there may be more. */
export interface Found {
  readonly records: readonly CommandRecord[]
  readonly last: string | undefined
}

export function pageOf(standings: readonly Standing[], last: number | undefined): Found {
  return { records: standings.map(({ record }) => record), last: last === undefined ? undefined : String(last) }
}

/** When a page has looked at enough. */
export class Bound {
  readonly until: number
  readonly #end: number
  /** So many messages. */
  looked = 0

  constructor(until: number) {
    const now = performance.now()
    this.until = until
    this.#end = now + (until - now) * mostOfTime
  }

  get isReached(): boolean {
    return this.looked >= mostLooked || performance.now() > this.#end
  }
}
