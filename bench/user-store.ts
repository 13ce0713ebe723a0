import { basename, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OpenStore, StoreSubject } from './store-subjects.ts'

/** What a user's module may export; `open` is all that it must. */
export interface UserStoreModule extends Partial<Omit<StoreSubject, 'open'>> {
  open(folder: string): Promise<OpenStore> | OpenStore
}

const place = Symbol.for('commandlog.bench.stores')

/**
 * A module, as text, that loads these files and leaves what they export to `userStores` of the process that is started with
 * it: an import in the program itself would have to know its file beforehand.
 */
export function preloadOf(paths: readonly string[]): string {
  const imports = paths.map((path, index) => {
    return `import * as store${index} from ${JSON.stringify(pathToFileURL(path).href)}`
  })
  const entries = paths.map((path, index) => `[${JSON.stringify(path)}, store${index}]`)
  const source = `${imports.join('\n')}\nglobalThis[Symbol.for('commandlog.bench.stores')] = [${entries.join(', ')}]`
  return `data:text/javascript,${encodeURIComponent(source)}`
}

/** The stores of the modules that this process was started with. Throws where one has no `open`. */
export function userStores(): readonly StoreSubject[] {
  const modules = ((globalThis as Record<symbol, unknown>)[place] ?? []) as readonly (readonly [
    string,
    UserStoreModule,
  ])[]
  return modules.map(([path, { name, settings, raw, remove, end, open }]) => {
    if (typeof open !== 'function') throw new TypeError(`--store: expected an export open(folder) in '${path}'`)
    return {
      name: name ?? basename(path, extname(path)),
      open: async (folder) => withClose(await open(folder)),
      settings: settings ?? path.split(/[\\/]/).slice(-1).join(),
      ...(raw === undefined ? {} : { raw }),
      ...(remove === undefined ? {} : { remove }),
      ...(end === undefined ? {} : { end }),
    }
  })
}

function withClose({ store, close }: Partial<OpenStore> & Pick<OpenStore, 'store'>): OpenStore {
  if (typeof store?.record !== 'function') throw new TypeError('--store: expected open(folder) to give { store }')
  return { store, close: close ?? (() => store.close()) }
}
