/** Empties the young generation, or the whole heap. Throws where node was started without `--expose-gc`. */
export function collect(type: 'minor' | 'major'): void {
  if (globalThis.gc === undefined) throw new Error('start node with --expose-gc')
  globalThis.gc({ type })
}
