import { Buffer } from 'node:buffer'
import type { Random } from './seeded.ts'

/** What a process did to files, and what it said, in order. A folder is synced like a file. */
export type DiskOperation =
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'resize'; readonly path: string; readonly size: number }
  | { readonly kind: 'sync'; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'said'; readonly text: string }

type Change = Extract<DiskOperation, { readonly kind: 'write' | 'resize' }>

interface File {
  readonly synced: Contents
  readonly pending: Change[]
  isUnlinked: boolean
}

/** A disk writes so many bytes at once, or none of them. */
const sectorBytes = 512

/**
 * A disk and the cache before it. What was synced stays. Of what came after it the power may have left anything: each
 * change whole, in part or not at all, whatever became of those before it. Two changes to the same bytes keep their order,
 * since the cache holds the later one only. New names count as written at once; a name that was removed may come back until
 * its folder is synced.
 */
export class Disk {
  readonly #files = new Map<string, File>()

  apply(operation: DiskOperation): void {
    if (operation.kind === 'said') return
    if (operation.kind === 'sync') this.#sync(operation.path)
    else if (operation.kind === 'unlink') this.#file(operation.path).isUnlinked = true
    else this.#file(operation.path).pending.push(operation)
  }

  /** What may be found after the power has failed now: one of many possibilities, by chance. */
  afterCrash(random: Random): ReadonlyMap<string, Buffer> {
    const [kept, torn] = manners[Math.floor(random() * manners.length)] as readonly [number, number]
    const found = new Map<string, Buffer>()
    for (const [path, { synced, pending, isUnlinked }] of this.#files) {
      if (isUnlinked && random() < 0.5) continue
      const contents = synced.copy()
      for (const change of pending) {
        if (random() >= kept) continue
        if (change.kind === 'write' && random() < torn) tear(change, contents, random)
        else contents.apply(change)
      }
      found.set(path, contents.bytes())
    }
    return found
  }

  #sync(path: string): void {
    for (const [name, file] of this.#files) {
      if (file.isUnlinked && name.startsWith(`${path}/`)) this.#files.delete(name)
    }
    const file = this.#files.get(path)
    for (const change of file?.pending.splice(0) ?? []) file?.synced.apply(change)
  }

  #file(path: string): File {
    const known = this.#files.get(path)
    if (known !== undefined && !known.isUnlinked) return known
    const file = { synced: new Contents(Buffer.alloc(0)), pending: [], isUnlinked: false }
    this.#files.set(path, file)
    return file
  }
}

/** How much of what was not synced is kept, and how much of that is torn. */
const manners: readonly (readonly [kept: number, torn: number])[] = [
  [0, 0],
  [1, 0],
  [0.5, 0],
  [0.9, 0],
  [0.9, 0.3],
  [0.5, 1],
]

function tear(change: Extract<Change, { readonly kind: 'write' }>, contents: Contents, random: Random): void {
  const { path, offset, bytes } = change
  const end = offset + bytes.length
  for (let from = offset; from < end; ) {
    const to = Math.min(end, from - (from % sectorBytes) + sectorBytes)
    if (random() < 0.5) {
      contents.apply({ kind: 'write', path, offset: from, bytes: bytes.subarray(from - offset, to - offset) })
    }
    from = to
  }
}

/** The bytes of a file, which grows. */
class Contents {
  #bytes: Buffer
  #size: number

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#size = bytes.length
  }

  apply(change: Change): void {
    if (change.kind === 'resize') {
      this.#fit(change.size)
      // What is cut off is gone, should the file grow again.
      this.#bytes.fill(0, change.size)
      this.#size = change.size
      return
    }
    const end = change.offset + change.bytes.length
    this.#fit(end)
    change.bytes.copy(this.#bytes, change.offset)
    this.#size = Math.max(this.#size, end)
  }

  copy(): Contents {
    return new Contents(Buffer.from(this.bytes()))
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  #fit(size: number): void {
    if (size <= this.#bytes.length) return
    const larger = Buffer.alloc(size * 2)
    this.bytes().copy(larger)
    this.#bytes = larger
  }
}
