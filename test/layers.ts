import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { codeOnly, type Specifier } from './imports.ts'

/** A source file as the layer rules see it. */
export interface SourceFile {
  /** Relative to the project, with `/`. */
  readonly file: string
  readonly specifiers: readonly Specifier[]
  readonly source: string
}

/** A line of a file that breaks a rule. */
export interface Fault {
  readonly rule: string
  readonly file: string
  readonly found: string
}

/** One rule: what `find` gives back breaks it. */
export interface LayerRule {
  readonly name: string
  readonly rule: string
  find(file: SourceFile, allowed: Allowed): readonly string[]
}

/** What `package.json` lets shipped code import. */
export interface Allowed {
  /** Names in `dependencies` and `peerDependencies`. */
  readonly packages: readonly string[]
}

/** Which layers each shipped layer may import besides itself: the arrows of the design, all of them downward. */
const layers: Readonly<Record<string, readonly string[]>> = {
  src: [],
  storekit: ['src'],
  stores: ['storekit', 'src'],
  commandlogtest: ['storekit', 'src'],
  eventsourcing: ['storekit', 'src'],
  eventstoretest: ['eventsourcing', 'commandlogtest', 'storekit', 'src'],
}

/** The only places that may load these packages; a place is a file without its ending, or a folder. */
const places: Readonly<Record<string, readonly string[]>> = {
  emittery: ['src'],
  'cbor-x': ['src/codecs/cbor'],
  '@msgpack/msgpack': ['src/codecs/msgpack'],
  'better-sqlite3': ['stores/sqlite', 'eventsourcing/sqlite-event-store'],
  postgres: ['stores/postgres'],
  '@nats-io/transport-node': ['stores/nats'],
  '@nats-io/jetstream': ['stores/nats'],
  'fast-check': ['commandlogtest', 'eventstoretest'],
  '@event-driven-io/emmett': ['eventsourcing/emmett'],
}

const openToStores = ['src/index.ts', 'storekit/index.ts']

/** The rules on imports and exports, each caught in the act by a planted violation in `layers.test.ts`. */
export const layerRules: readonly LayerRule[] = [
  {
    name: 'one-way',
    rule: 'Dependencies point one way: stores, commandlogtest and eventsourcing to storekit to src, and nothing back.',
    find: (file) => shippedImports(file, ({ from, to }) => from !== to && !(layers[from] ?? []).includes(to)),
  },
  {
    name: 'stores-apart',
    rule: 'Stores never import each other.',
    find: (file) =>
      shippedImports(
        file,
        ({ from, to, path }) => from === 'stores' && to === 'stores' && storeOf(file.file) !== storeOf(path),
      ),
  },
  {
    name: 'stores-like-strangers',
    rule: 'Stores import of our own code only the entry points src/index.ts and storekit/index.ts.',
    find: (file) =>
      shippedImports(
        file,
        ({ from, to, path }) => from === 'stores' && to !== 'stores' && !openToStores.includes(path),
      ),
  },
  {
    name: 'driver-in-its-place',
    rule: 'A driver is imported in its own place only.',
    find: (file) =>
      bareImports(file).filter((text) => {
        const allowed = places[packageOf(text)]
        return isShipped(file) && !text.startsWith('node:') && !allowed?.some((place) => isAt(place, file.file))
      }),
  },
  {
    name: 'declared',
    rule: 'Shipped code imports by name only node: built-ins, dependencies and peer dependencies.',
    find: (file, { packages }) =>
      bareImports(file).filter(
        (text) =>
          isShipped(file) && !text.startsWith('node:') && (isBuiltin(text) || !packages.includes(packageOf(text))),
      ),
  },
  {
    name: 'examples-like-users',
    rule: 'Examples import our code by its published names.',
    find: (file) =>
      topOf(file.file) === 'examples' ? relativeImports(file).filter((path) => topOf(path) !== 'examples') : [],
  },
  {
    name: 'no-internal',
    rule: 'There is no internal subpath.',
    find: (file) => file.specifiers.map(({ text }) => text).filter((text) => /(^|[/#])internal(\/|\.|$)/.test(text)),
  },
  {
    name: 'no-dynamic-import',
    rule: 'No import is dynamic, but for the driver that only one of the event stores needs.',
    find: (file) => (file.file === 'eventsourcing/sqlite-event-store.ts' ? [] : inCode(file, /\bimport\s*\(/g)),
  },
  { name: 'no-require', rule: 'Nothing is required.', find: (file) => inCode(file, /\b(?:createRequire|require)\b/g) },
  { name: 'no-export-all', rule: 'Every export is named.', find: (file) => inCode(file, /\bexport\s+(?:type\s+)?\*/g) },
  {
    name: 'no-default-export',
    rule: 'There is no default export.',
    find: (file) => inCode(file, /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g),
  },
]

/** Every line of these files that breaks a rule. */
export function layerFaults(files: readonly SourceFile[], allowed: Allowed): Fault[] {
  return files.flatMap((file) =>
    layerRules.flatMap(({ name, find }) =>
      find(file, allowed).map((found) => ({ rule: name, file: file.file, found })),
    ),
  )
}

interface OwnImport {
  readonly from: string
  readonly to: string
  readonly path: string
}

function shippedImports(file: SourceFile, isFault: (own: OwnImport) => boolean): string[] {
  if (!isShipped(file)) return []
  const from = topOf(file.file)
  return relativeImports(file).filter((path) => isFault({ from, to: topOf(path), path }))
}

function relativeImports({ file, specifiers }: SourceFile): string[] {
  const relative = specifiers.filter(({ text }) => text.startsWith('.'))
  return relative.map(({ text }) => posix.join(posix.dirname(file), text))
}

function bareImports({ specifiers }: SourceFile): string[] {
  return specifiers.map(({ text }) => text).filter((text) => !text.startsWith('.'))
}

function inCode({ source }: SourceFile, pattern: RegExp): string[] {
  return Array.from(codeOnly(source).matchAll(pattern), ([found]) => found)
}

function isShipped({ file }: SourceFile): boolean {
  return topOf(file) in layers
}

function topOf(path: string): string {
  return path.split('/', 1)[0] ?? ''
}

/** A store is a file or a folder right below stores. */
function storeOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '')
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function isAt(place: string, file: string): boolean {
  return file === `${place}.ts` || file.startsWith(`${place}/`)
}
