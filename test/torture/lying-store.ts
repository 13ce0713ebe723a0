import type { CommandLogStore } from 'commandlog'

/** How long this store keeps what it has acknowledged to itself. */
const delayMs = 30

/** Acknowledges first and writes later: a campaign that does not miss its records sees nothing. */
export function lyingStore(store: CommandLogStore): CommandLogStore {
  return {
    ...store,
    async record(record) {
      setTimeout(() => {
        // It has said already that all is well.
        store.record(record).catch(() => {})
      }, delayMs)
      return record.state === 'created' ? 'created' : 'settled'
    },
  }
}
