import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Progress, timeText } from './progress.ts'
import { runTrials } from './run-trials.ts'
import { type Case, figuresOf, type Plan } from './trial.ts'

setFlagsFromString('--expose-gc')
globalThis.gc = runInNewContext('gc')

const told: string[] = []
const screen = { write: (text: string) => told.push(text) }

/** A plan whose cases note when they are measured, and tell the number of the call. */
function planOf(names: readonly string[], calls: string[], onCall: (call: number) => void = () => {}): Plan {
  const cases = names.map(
    (subject): Case => ({
      ...{ subject, params: {}, expectedMs: 10 },
      async measure() {
        calls.push(subject)
        onCall(calls.length)
        return { calls: calls.length }
      },
    }),
  )
  return {
    ...{ cases, rounds: 3, warmup: 1, collect: 'minor' },
    async close() {
      calls.push('close')
    },
    figures: (samples) =>
      cases.flatMap((each) =>
        figuresOf(
          { trial: 'calls', measure: 'calls', unit: 'calls', better: 'lower' },
          each,
          samples.of(each, 'calls'),
        ),
      ),
  }
}

test('every round measures every case once, in another order, and the warm-up counts for nothing', async () => {
  const calls: string[] = []
  const plan = planOf(['a', 'b'], calls)
  const measured = await runTrials(
    [{ trial: 'calls', plan }],
    new Progress([plan], screen),
    new AbortController().signal,
  )
  assert.deepEqual(calls, ['b', 'a', 'a', 'b', 'b', 'a', 'a', 'b', 'close'])
  assert.deepEqual(
    measured.figures.map(({ subject, value }) => [subject, value]),
    [
      ['a', { low: 4.5, median: 6, high: 6.5 }],
      ['b', { low: 4.5, median: 5, high: 6.5 }],
    ],
  )
  assert.equal(measured.isInterrupted, false)
})

test('an interruption ends after the case under way and gives what was measured so far', async () => {
  const calls: string[] = []
  const stop = new AbortController()
  const plan = planOf(['a', 'b'], calls, (call) => {
    if (call === 5) stop.abort()
  })
  const plans = [plan, planOf(['never'], calls)].map((each) => ({ trial: 'calls', plan: each }))
  const measured = await runTrials(plans, new Progress([], screen), stop.signal)
  assert.deepEqual(calls, ['b', 'a', 'a', 'b', 'b', 'close'])
  assert.deepEqual(
    measured.figures.map(({ subject, value }) => [subject, value.median]),
    [
      ['a', 3],
      ['b', 4.5],
    ],
  )
  assert.equal(measured.isInterrupted, true)
})

test('a case that fails ends the run with its error and the figures before it', async () => {
  const calls: string[] = []
  const error = new Error('no such table')
  const plan = planOf(['a'], calls, (call) => {
    if (call === 3) throw error
  })
  const measured = await runTrials(
    [{ trial: 'calls', plan }],
    new Progress([plan], screen),
    new AbortController().signal,
  )
  assert.deepEqual(measured.failure, { trial: 'calls', error })
  assert.deepEqual(
    measured.figures.map(({ value }) => value.median),
    [2],
  )
})

test('the time left follows what the cases have taken', () => {
  const plan = planOf(['a', 'b'], [])
  const [first] = plan.cases
  assert.ok(first)
  const progress = new Progress([plan], screen)
  assert.equal(progress.leftMs, 80)
  progress.measured(first, 20)
  assert.equal(progress.leftMs, 140)
  assert.deepEqual([timeText(200), timeText(61_000), timeText(200_000)], ['1 s', '61 s', '3 min'])
})

test('on a terminal one line changes and is gone at the end', () => {
  const painted: string[] = []
  const plan = planOf(['a'], [])
  const [first] = plan.cases
  assert.ok(first)
  const progress = new Progress([plan], { isTTY: true, columns: 30, write: (text) => painted.push(text) })
  progress.step('calls, round 1 of 3', first)
  progress.end()
  assert.deepEqual(painted, ['\r\x1b[Kcalls, round 1 of 3, 1 s left', '\r\x1b[K'])
})
