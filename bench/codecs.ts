import { readFileSync } from 'node:fs'
import { cborCodec } from '../src/codecs/cbor.ts'
import { msgpackCodec } from '../src/codecs/msgpack.ts'
import { type Codec, jsonCodec } from '../src/index.ts'

/** A codec under test. */
export interface CodecSubject {
  readonly name: string
  readonly codec: Codec
  /** What it is made of. */
  readonly settings: string
}

/** All of them; the others are compared with the first. */
export const codecSubjects: readonly CodecSubject[] = [
  { name: 'json', codec: jsonCodec, settings: `V8 ${process.versions.v8}` },
  { name: 'cbor', codec: cborCodec, settings: versionOf('cbor-x') },
  { name: 'msgpack', codec: msgpackCodec, settings: versionOf('@msgpack/msgpack') },
]

/** Name and version of a package that this project has installed. */
export function versionOf(name: string): string {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return `${name} ${(JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version}`
}
