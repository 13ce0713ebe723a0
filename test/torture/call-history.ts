import type { CommandLogStore, CommandRecord, RecordResult, StoreError } from 'commandlog'
import { fingerprintOf, type HistoryEvent, type Result, type Sight } from 'commandlog/commandlogtest'
import { walk } from '../stores/walk.ts'

/** What several clients did to one log, with stamps of one clock, for `checkHistory`. */
export class CallHistory {
  readonly events: HistoryEvent[] = []
  /** Writes of which nobody knows whether they happened. */
  readonly unknown: CommandRecord[] = []
  /** When writes were acknowledged, by `performance.now()`. */
  readonly acknowledged: number[] = []
  /** Why the last call failed that did. */
  lastFailure: StoreError | undefined
  readonly #isOwn: (id: string) => boolean
  #now = 0

  /** Walks leave out what others wrote: ids that are not `isOwn`. */
  constructor(isOwn: (id: string) => boolean = () => true) {
    this.#isOwn = isOwn
  }

  /** Resolves to whether it is known what became of it. */
  async record(client: string, store: CommandLogStore, record: CommandRecord): Promise<boolean> {
    const { id, correlationId } = record
    const describe = (result: Result<RecordResult>): object => {
      if (result.status === 'unknown') this.unknown.push(record)
      if (result.status === 'ok') this.acknowledged.push(performance.now())
      return { kind: 'record', id, correlationId, content: fingerprintOf(record), result }
    }
    return await this.#add(client, () => store.record(record), describe)
  }

  get(client: string, store: CommandLogStore, id: string): Promise<boolean> {
    const call = async () => {
      const found = await store.get(id)
      return found === undefined ? undefined : fingerprintOf(found)
    }
    return this.#add(client, call, (result) => ({ kind: 'get', id, result }))
  }

  /** From the first page to the last. */
  walk(client: string, store: CommandLogStore, order: 'oldest' | 'newest'): Promise<boolean> {
    const call = async () => this.#sights(await walk(store, order))
    return this.#add(client, call, (result) => ({ kind: 'walk', order, isComplete: true, result }))
  }

  correlation(client: string, store: CommandLogStore, correlationId: string): Promise<boolean> {
    const call = async () => this.#sights(await store.findByCorrelation(correlationId))
    const fields = { kind: 'walk', order: 'oldest', isComplete: true, correlationId } as const
    return this.#add(client, call, (result) => ({ ...fields, result }))
  }

  #sights(records: readonly CommandRecord[]): readonly Sight[] {
    return records.flatMap((each) => (this.#isOwn(each.id) ? [{ id: each.id, content: fingerprintOf(each) }] : []))
  }

  async #add<T>(client: string, call: () => Promise<T>, describe: (result: Result<T>) => object): Promise<boolean> {
    const invoked = this.#now++
    const result = await call().then(
      (value): Result<T> => ({ status: 'ok', value }),
      (error: StoreError): Result<T> => {
        this.lastFailure = error
        return { status: error.written === 'no' ? 'failed' : 'unknown' }
      },
    )
    this.events.push({ client, invoked, returned: this.#now++, ...describe(result) } as HistoryEvent)
    return result.status === 'ok'
  }
}
