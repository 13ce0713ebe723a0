import { createHash } from 'node:crypto'
import { StoreError } from '../src/index.ts'
import type { CheckedQuery } from './query.ts'

/** What a cursor is bound to: the data, and the filters and order of its query, but not the limit. */
export function cursorScope(data: string, query: CheckedQuery): string {
  const { types, states, equal, eventId, problemCode, attributes, from, to, order } = query
  const sorted = [types && [...types].sort(), states && [...states].sort(), Object.entries(equal).sort(byKey)]
  const named = [...attributes].sort(byKey)
  return JSON.stringify([data, ...sorted, eventId ?? null, problemCode ?? null, named, from ?? null, to ?? null, order])
}

/** Seals a position, so that whoever brings it back can be believed. Opaque: text of base64url. */
export function sealPosition(scope: string, position: string): string {
  return Buffer.from(`${seal(scope, position)}${position}`).toString('base64url')
}

/** The position that was sealed for this scope; `INVALID_CURSOR` for a damaged one, or one of another scope. */
export function openPosition(scope: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  const text = bytes.toString()
  const position = text.slice(sealLength)
  // Decoding is lenient, so the text must also be the very one that encoding gives.
  if (bytes.toString('base64url') !== sealed || seal(scope, position) !== text.slice(0, sealLength)) {
    throw new StoreError('INVALID_CURSOR', 'The cursor is damaged, or belongs to another query or other data')
  }
  return position
}

const sealLength = 16

function seal(scope: string, position: string): string {
  return createHash('sha256').update(`${scope}\n${position}`).digest('base64url').slice(0, sealLength)
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b)
}
