import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { describe, test } from 'node:test'
import { withFolder } from '../../test/project.ts'
import { type CrashOptions, type CrashStates, crashStates } from '../../test/torture/crash-states.ts'
import { whyNoStrace } from '../../test/torture/strace.ts'

const skip = process.platform !== 'linux' && 'file operations are recorded with strace, which is Linux only'

/** Small files, checkpoints all the time. */
const busy = { records: 120, mostBytes: 12_000, checkpointPages: 100 }
/** A handle of the store's own, with its own settings: two checkpoints. */
const own = { records: 60, mostBytes: 200_000 }

async function found(options: Omit<CrashOptions, 'folder' | 'seed'>): Promise<CrashStates> {
  const why = await whyNoStrace()
  assert.equal(why, undefined)
  return await withFolder(tmpdir(), (folder) => crashStates({ ...options, folder, seed: 1 }))
}

describe('after a power failure, whatever it left of what was not synced,', { skip }, () => {
  test('every acknowledged record is there and whole with durability power', async () => {
    const { faults, lost, states, checkpoints, acknowledgements } = await found({
      ...busy,
      durability: 'power',
      states: 120,
    })
    assert.deepEqual(
      { faults, lost, states, acknowledgements },
      { faults: [], lost: 0, states: 120, acknowledgements: 240 },
    )
    assert.ok(checkpoints >= 3, `expected checkpoints among the operations, not ${checkpoints}`)
  })

  test('every acknowledged record is there and whole where the store has a handle of its own', async () => {
    const { faults, lost, states, checkpoints } = await found({ ...own, durability: 'power', states: 20 })
    assert.deepEqual({ faults, lost, states }, { faults: [], lost: 0, states: 20 })
    assert.ok(checkpoints >= 1, `expected checkpoints among the operations, not ${checkpoints}`)
  })

  test('acknowledged records are missing with durability process, but the file is sound', async () => {
    const { faults, lost, statesWithLoss } = await found({ ...busy, durability: 'process', states: 60 })
    assert.deepEqual(faults, [])
    assert.ok(statesWithLoss > 0 && lost > 0, 'nothing was missed: this test does not see losses')
  })
})
