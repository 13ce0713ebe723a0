// Broken purges of stores whose writes now and then end without anybody knowing whether they were done.

import { StoreError } from '../../src/index.ts'
import { isSettled } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

/** A store whose third write, and each fiftieth, is done and fails as unknown. */
function unsure(steps: Partial<Steps>): Partial<Steps> {
  let writes = 0
  return {
    ...steps,
    async write(handle, record) {
      const result = await base.write(handle, record)
      if (++writes === 3 || writes % 50 === 0)
        throw new StoreError('STORE_TIMEOUT', 'The answer did not come in time', 'unknown')
      return result
    },
  }
}

const purges = { bricks: ['purge'] } as const

/** What no late write can explain. */
export const unsurePurgeSuspects: readonly Suspect[] = [
  suspect(
    'unsure/purges-unsettled',
    'purge removes unsettled records, and some writes end as unknown.',
    () =>
      unsure({
        isDue: (record, { retention, before }) => record.retention === retention && record.receivedAt < before,
      }),
    purges,
  ),
  suspect(
    'unsure/purges-permanent',
    'purge removes permanent records too, and some writes end as unknown.',
    () =>
      unsure({
        isDue: (record, { retention, before }) =>
          isSettled(record) && [retention, 'permanent'].includes(record.retention) && record.receivedAt < before,
      }),
    purges,
  ),
  suspect(
    'unsure/purges-nothing',
    'purge removes nothing, and some writes end as unknown.',
    () => unsure({ purge: async () => 0 }),
    purges,
  ),
]
