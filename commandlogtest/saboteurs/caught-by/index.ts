import { batches } from './batches.ts'
import { bricks } from './bricks.ts'
import { columns } from './columns.ts'
import { filters } from './filters.ts'
import { handles } from './handles.ts'
import { lives } from './lives.ts'
import { plans } from './plans.ts'
import { reads } from './reads.ts'
import { records } from './records.ts'
import { values } from './values.ts'
import { writes } from './writes.ts'

/** The names of the checks that must catch each saboteur, by its name. */
export const caughtBy: Readonly<Record<string, readonly string[]>> = {
  ...writes,
  ...values,
  ...columns,
  ...reads,
  ...filters,
  ...lives,
  ...bricks,
  ...records,
  ...handles,
  ...plans,
  ...batches,
}
