import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deadline } from './deadline.ts'

function limit(ms: number): <T>(call: () => Promise<T>) => Promise<T> {
  const deadline = new Deadline(ms, () => new Error('expired'))
  return (call) => deadline.limit(call())
}

test('Given calls that hang among calls that do not, when the time is over, then only those expire, each in its time', async () => {
  const limited = limit(30)
  const startedAt = performance.now()
  const hung = limited(() => new Promise(() => {}))
  const quick = await limited(async () => 'quick')
  await new Promise((resolve) => setTimeout(resolve, 20))
  const later = limited(() => new Promise(() => {}))
  await assert.rejects(hung, { message: 'expired' })
  const first = performance.now() - startedAt
  await assert.rejects(later, { message: 'expired' })
  const second = performance.now() - startedAt
  assert.equal(quick, 'quick')
  assert.ok(first >= 29 && second >= 49, `${first} ${second}`)
})

test('Given calls that reject, when made, then their error passes', async () => {
  const limited = limit(1000)
  await assert.rejects(
    limited(() => Promise.reject(new Error('own'))),
    { message: 'own' },
  )
})

test('Given nothing under way, then no timer holds the process open', async () => {
  const limited = limit(60_000)
  for (let n = 0; n < 100; n++) await limited(async () => n)
  assert.equal(process.getActiveResourcesInfo().includes('Timeout'), false)
})
