import type { CommandLogStore, CommandRecord } from 'commandlog'

/** All records, oldest first. */
export async function walk(store: Pick<CommandLogStore, 'list'>): Promise<readonly CommandRecord[]> {
  const walked: CommandRecord[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ order: 'oldest', limit: 500, cursor })
    walked.push(...page.records)
    cursor = page.next
    if (cursor === undefined) return walked
  }
}
