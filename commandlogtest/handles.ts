import type { Client } from './client.ts'
import type { Scope } from './scope.ts'
import { NotApplicable, Violation } from './violation.ts'

/** Data of this execution's own, and a way to close and open them again. */
export async function reopenable(scope: Scope): Promise<{ first: Client; reopen(client: Client): Promise<Client> }> {
  const name = scope.prefix.slice(0, -1)
  const first = await scope.context.open(name)
  return {
    first,
    async reopen(client) {
      await scope.context.close(client)
      const again = await scope.context.open(name)
      if (again.store === client.store) await expectStillOpen(again)
      return again
    },
  }
}

/** A factory that keeps one store for each name cannot open it again once it is closed: nothing is shown then. */
async function expectStillOpen(client: Client): Promise<void> {
  const { failure } = await client.attempt('list', { limit: 1 })
  if (failure?.code === 'STORE_CLOSED') throw new NotApplicable('open gives the same store again after it was closed')
}

/** Several handles on the same data of this execution. */
export async function handlesOf(scope: Scope, count: number): Promise<Client[]> {
  const handles: Client[] = []
  for (let index = 0; index < count; index++) handles.push(await scope.context.open(scope.prefix.slice(0, -1)))
  return handles
}

export async function closeAll(scope: Scope, handles: readonly Client[]): Promise<void> {
  for (const handle of handles) await scope.context.close(handle)
}

/** Runs with several handles, and closes them. */
export async function withHandles(
  scope: Scope,
  count: number,
  work: (...handles: Client[]) => Promise<void>,
): Promise<void> {
  const handles = await handlesOf(scope, count)
  try {
    await work(...handles)
  } catch (error) {
    // What hangs would hang again: the end of the check closes those.
    if (!(error instanceof Violation && error.isHang)) await closeAll(scope, handles).catch(() => undefined)
    throw error
  }
  await closeAll(scope, handles)
}
