import type { CommandRecord } from '../../src/index.ts'
import type { SqliteDatabase } from './driver.ts'

/** A log in an SQLite file, whose outcomes can be settled together with rows of others in that file. */
export interface SettlesTogether {
  /**
   * In one transaction, `work` writes rows of its own through `file`, and the record that it gives back is settled, or
   * created with its outcome; resolves once both are durable. Where `work` throws, or the command has an outcome already
   * (`ALREADY_SETTLED`), nothing is written. `work` may run again after it was rolled back.
   */
  settleTogether(work: (file: Pick<SqliteDatabase, 'prepare'>) => CommandRecord): Promise<CommandRecord>
}
