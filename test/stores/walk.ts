import type { CommandLogStore, CommandRecord } from 'commandlog'

/** All records, oldest first unless told otherwise. */
export async function walk(
  store: Pick<CommandLogStore, 'list'>,
  order: 'oldest' | 'newest' = 'oldest',
): Promise<readonly CommandRecord[]> {
  const walked: CommandRecord[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ order, limit: 500, cursor })
    walked.push(...page.records)
    cursor = page.next
    if (cursor === undefined) return walked
  }
}
