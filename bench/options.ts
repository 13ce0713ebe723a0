import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { codecSubjects } from './codecs.ts'
import { type Effort, full, quick, usual } from './effort.ts'
import { storeSubjects } from './store-subjects.ts'
import { trials } from './trials.ts'

/** What a run was asked for, checked. */
export interface BenchOptions {
  readonly stores: readonly string[]
  /** Absolute paths of modules that bring a store. */
  readonly storeModules: readonly string[]
  readonly trials: readonly string[]
  readonly codecs: readonly string[]
  readonly effort: Effort
  readonly isQuick: boolean
  readonly json: string | undefined
  readonly html: string | undefined
  readonly compare: string | undefined
  readonly profile: string | undefined
  readonly isWithPeers: boolean
}

/** What `--help` says. */
export const usage: string = `npm run bench -- [options]

  --stores a,b      of ${storeSubjects.map(({ name }) => name).join(', ')}; all by default
  --store file      a store of your own, more than once if you like: a module that exports
                    open(folder) and gives { store, close() }, or a promise of it; if it also exports
                    name, settings, raw(folder, isDurable) or remove(folder), they are used
  --trials a,b      of ${trials.map(({ name }) => name).join(', ')}
  --codecs a,b      of ${codecSubjects.map(({ name }) => name).join(', ')}
  --sizes 1000,5000 records in the logs of the read trial
  --payloads 100,1000   bytes of JSON of the payload trial
  --in-flight 1,64  commands at once in the throughput trial
  --rounds n        how often each case is measured
  --ms n            how long each measurement takes
  --quick           everything in under two minutes, to see that it works
  --full            longer, with more in flight and larger logs
  --peers           other buses and logs too (npm ci --prefix bench/peers first)
  --json file       everything measured
  --html file       a page with charts
  --compare file    what has changed against the JSON of another run
  --profile folder  no trials, but CPU and allocation profiles of a command, and what they say

Servers are those of the tests, or yours: COMMANDLOG_POSTGRES_URL, COMMANDLOG_NATS_URL.
Ctrl-C ends after what is under way, and shows what was measured so far.
`

const texts = ['stores', 'trials', 'codecs', 'sizes', 'payloads', 'in-flight', 'rounds', 'ms'] as const
const files = ['json', 'html', 'compare', 'profile'] as const
const flags = ['quick', 'full', 'peers', 'help'] as const

/** Reads a command line; undefined where it asks for help. Throws a `RangeError` or `TypeError` that names the option. */
export function parseOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      store: { type: 'string', multiple: true, default: [] },
      ...optionsOf([...texts, ...files], 'string'),
      ...optionsOf(flags, 'boolean'),
    },
  })
  if (values.help) return undefined
  if (values.quick && values.full) throw new RangeError('--quick, --full: expected one of them')
  const storeModules = values.store.map((path) => fileOf('store', resolve(path)))
  const compare = values.compare === undefined ? undefined : fileOf('compare', resolve(values.compare))
  return {
    // A store of one's own alone is worth a run; the others come along where they are asked for.
    stores: chosen('stores', values.stores, storeSubjects),
    trials: chosen('trials', values.trials, trials),
    codecs: chosen('codecs', values.codecs, codecSubjects),
    ...{ storeModules, compare, effort: effortOf(values), isQuick: values.quick === true },
    ...{ json: values.json, html: values.html, profile: values.profile, isWithPeers: values.peers === true },
  }
}

function optionsOf<const Name extends string, const Type extends 'string' | 'boolean'>(
  names: readonly Name[],
  type: Type,
): Record<Name, { readonly type: Type }> {
  return Object.fromEntries(names.map((name) => [name, { type }])) as Record<Name, { readonly type: Type }>
}

function chosen(option: string, asked: string | undefined, all: readonly { readonly name: string }[]): string[] {
  const names = all.map(({ name }) => name)
  if (asked === undefined) return names
  if (asked === '') return []
  const wanted = asked.split(',')
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new RangeError(`--${option}: expected some of ${names.join(', ')}, got '${unknown}'`)
  return names.filter((name) => wanted.includes(name))
}

type EffortOptions = Readonly<
  Partial<
    Record<'sizes' | 'payloads' | 'in-flight' | 'rounds' | 'ms', string | undefined> &
      Record<'quick' | 'full', boolean | undefined>
  >
>

function effortOf(values: EffortOptions): Effort {
  const usualOrFull = values.full ? full : usual
  const effort = values.quick ? quick : usualOrFull
  const [ms] = values.ms === undefined ? [] : numbersOf('ms', values.ms)
  const [rounds] = values.rounds === undefined ? [] : numbersOf('rounds', values.rounds)
  return {
    ...effort,
    ...(values.sizes === undefined ? {} : { sizes: numbersOf('sizes', values.sizes) }),
    ...(values.payloads === undefined ? {} : { payloads: numbersOf('payloads', values.payloads) }),
    ...(values['in-flight'] === undefined ? {} : { inFlight: numbersOf('in-flight', values['in-flight']) }),
    ...(rounds === undefined ? {} : { rounds, codecRounds: rounds }),
    ...(ms === undefined ? {} : { ms, warmupMs: ms / 2, followMs: 2 * ms }),
  }
}

function numbersOf(option: string, asked: string): readonly number[] {
  return asked.split(',').map((text) => {
    const number = Number(text)
    if (!Number.isSafeInteger(number) || number < 1) {
      throw new RangeError(`--${option}: expected whole numbers from 1, got '${text}'`)
    }
    return number
  })
}

function fileOf(option: string, path: string): string {
  if (!existsSync(path)) throw new RangeError(`--${option}: there is no file '${path}'`)
  return path
}
