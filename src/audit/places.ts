import type { Context } from '../context.ts'
import { AuditUnavailable } from '../errors.ts'
import type { Backlog } from './backlog.ts'
import type { ResolvedOptions } from './options.ts'

/** A place in the backlog: not needed, kept, or refused although the command runs. */
export type Place = 'none' | 'kept' | 'refused'

/** Keeps places in the backlog for commands that are about to run, so that a burst cannot overrun it. */
export class Places {
  readonly #backlog: Backlog
  readonly #options: ResolvedOptions

  constructor(backlog: Backlog, options: ResolvedOptions) {
    this.#backlog = backlog
    this.#options = options
  }

  /** A place at once; undefined where there is none. Children need none, or they would wait for their parent. */
  keep(context: Context, isChild: boolean): Place | undefined {
    if (this.#options.mode !== 'background' || context.keep === 'none' || isChild) return 'none'
    return this.#backlog.reserve() ? 'kept' : undefined
  }

  /** Back-pressure: waits for a place; with `fail-open` only as long as the store is merely slow. */
  async keepSoon(context: Context): Promise<Place> {
    const { failOpen, deadlineMs } = this.#options
    if (!(failOpen && this.#backlog.isFailing) && (await this.#backlog.reserveWithin(deadlineMs))) return 'kept'
    if (failOpen) return 'refused'
    throw new AuditUnavailable(context.id, 'BACKLOG_FULL', 'no')
  }
}
