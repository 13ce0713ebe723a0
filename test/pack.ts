import { cpSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root, runToSuccess } from './project.ts'

/** What `npm pack` made. */
export interface Tarball {
  readonly path: string
  /** Of the package: what the tarball unpacks to, relative, sorted. */
  readonly files: readonly string[]
  /** Bytes as packed, and unpacked. */
  readonly size: number
  readonly unpackedSize: number
}

const leftOut = new Set(['node_modules', '.git', '.cache', 'dist'])

/**
 * Builds and packs the project as it would be published. It works on a copy in `folder`, so that a `dist` in the project
 * is neither used nor touched, and packing twice at a time does no harm.
 */
export async function pack(folder: string): Promise<Tarball> {
  const copy = join(folder, 'project')
  cpSync(root, copy, {
    recursive: true,
    filter: (source) => source === root || !leftOut.has(basename(source)),
  })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'dir')
  const { stdout } = await runToSuccess('npm', ['pack', '--json', '--pack-destination', folder], { cwd: copy })
  // The build scripts print before npm does.
  const answer: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]$/m)))
  const [packed] = Object.values(answer as Record<string, PackAnswer>)
  if (packed === undefined) throw new Error('npm pack made nothing')
  const { filename, size, unpackedSize, files } = packed
  return { path: join(folder, filename), size, unpackedSize, files: files.map(({ path }) => path).sort() }
}

interface PackAnswer {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** A packed tarball's bytes. */
export function bytesOf({ path }: Tarball): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = readFileSync(path)
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}
