import fc from 'fast-check'
import { lookAlikes } from '../../commandlogtest/hostile-names.ts'
import { expectSame } from '../../commandlogtest/violation.ts'
import { type EventStoreCheck, property } from '../check.ts'
import type { Client } from '../client.ts'
import { expectEvents, expectRefused, recorded, type Scope } from '../scope.ts'

/** What a fence promises. */
export const fencingChecks: readonly EventStoreCheck[] = [
  property(
    'fence/gives-what-a-command-has-appended',
    'A fence gives all events of its command, across streams, in order.',
    {
      given: fc.array(fc.tuple(fc.nat(2), fc.nat(1)), { minLength: 0, maxLength: 12 }),
      needs: 'fence',
      weight: 0.3,
      async holds({ client, name, event, by }, appends) {
        const expected = []
        for (const [index, [stream, command]] of appends.entries()) {
          const given = event(`${index}`, { metadata: by(`c${command}`) })
          const version = await client.append(name(`s${stream}`), [given])
          if (command === 0) expected.push(...recorded(name(`s${stream}`), [given], version))
        }
        expectEvents('fence', await client.fence(name('c0')), expected)
      },
    },
  ),
  property(
    'fence/refuses-what-comes-later',
    'After a fence an append with an event of that command is FENCED, as a whole.',
    {
      given: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      needs: 'fence',
      weight: 0.2,
      async holds({ client, name, event, by }, [hasEvents, isAmongOthers, isElsewhere]) {
        const before = hasEvents ? [event('before', { metadata: by('c0') })] : []
        if (hasEvents) await client.append(name('s'), before)
        expectEvents('fence', await client.fence(name('c0')), recorded(name('s'), before))
        const late = event('late', { metadata: by('c0') })
        const stream = name(isElsewhere ? 't' : 's')
        const answer = await client.tryAppend(stream, isAmongOthers ? [event('other'), late] : [late])
        expectRefused('append of a fenced command', answer, 'FENCED')
        expectEvents('read', await client.read(name('s')), recorded(name('s'), before))
        expectEvents('fence again', await client.fence(name('c0')), recorded(name('s'), before))
      },
    },
  ),
  property(
    'fence/comes-first',
    'An append of a fenced command is FENCED also where it would lose its race, or is a repeat.',
    {
      given: fc.boolean(),
      needs: 'fence',
      weight: 0.1,
      async holds({ client, name, event }, isRepeat) {
        await client.append(name('s'), [event('e')])
        await client.fence(name('c'))
        const again = event(isRepeat ? 'e' : 'f')
        expectRefused('append', await client.tryAppend(name('s'), [again], { expectedVersion: 7 }), 'FENCED')
      },
    },
  ),
  property('fence/others-go-on', 'A fence is for one command: those whose ids look alike go on.', {
    given: fc.uniqueArray(fc.constantFrom(...lookAlikes), { minLength: 2, maxLength: 3 }),
    needs: 'fence',
    weight: 0.4,
    async holds({ client, name, event, by }, [fenced = 'a', ...others]) {
      await client.fence(name(fenced))
      for (const [index, other] of others.entries()) {
        const given = event(`${index}`, { metadata: by(other) })
        expectSame('the version', await client.append(name('s'), [given]), index + 1)
        expectEvents('fence', await client.fence(name(other)), recorded(name('s'), [given], index + 1))
      }
    },
  }),
  property('fence/invalid-command', 'A command that is none is INVALID_ARGUMENT.', {
    given: fc.constantFrom<unknown>('', undefined, null, 5, 'a\0', '\ud800'),
    needs: 'fence',
    weight: 0.1,
    async holds({ client }, bad) {
      expectRefused('fence', await client.attempt('fence', bad), 'INVALID_ARGUMENT')
    },
  }),
  property(
    'fence/decides-every-race',
    'What a fence says while appends are under way stays true: what it did not give never comes.',
    {
      given: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(6)),
      needs: 'fence',
      weight: 0.4,
      holds: (scope, [appends, delay]) => fenceRace(scope, scope.client, scope.client, { appends, delay }),
    },
  ),
]

/** Appends of one command against its fence. */
export async function fenceRace(
  { name, event, by }: Scope,
  appender: Client,
  fencer: Client,
  { appends, delay }: { readonly appends: number; readonly delay: number },
): Promise<void> {
  const metadata = by('c0')
  const appending = Array.from({ length: appends }, async (_, n) => {
    for (let tick = 0; tick < n; tick++) await new Promise((resolve) => setImmediate(resolve))
    return await appender.tryAppend(name(`s${n}`), [event(`${n}`, { metadata }), event(`${n}b`, { metadata })])
  })
  for (let tick = 0; tick < delay; tick++) await new Promise((resolve) => setImmediate(resolve))
  const found = await fencer.fence(name('c0'))
  const answers = await Promise.all(appending)
  for (const [n, answer] of answers.entries()) {
    const given = found.filter(({ stream }) => stream === name(`s${n}`))
    const events = [event(`${n}`, { metadata }), event(`${n}b`, { metadata })]
    if (answer.failure !== undefined) expectRefused('an append that came too late', answer, 'FENCED')
    const expected = answer.failure === undefined ? recorded(name(`s${n}`), events) : []
    expectEvents('the fence', given, expected)
    expectEvents('read', await appender.read(name(`s${n}`)), expected)
  }
  expectEvents('fence again', await fencer.fence(name('c0')), found)
}
