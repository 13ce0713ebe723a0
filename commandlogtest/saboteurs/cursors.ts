// What a cursor is bound to, and what a bad one does.

import { createHash } from 'node:crypto'
import { type CommandQuery, StoreError } from '../../src/index.ts'
import type { CheckedQuery } from '../../storekit/index.ts'
import { base } from './base-steps.ts'
import { type Suspect, suspect } from './saboteur.ts'
import type { Steps } from './steps.ts'

const plainSeal: Steps['seal'] = (_scope, position) => Buffer.from(position).toString('base64url')
const plainUnseal: Steps['unseal'] = (_scope, sealed) => Buffer.from(sealed, 'base64url').toString()

function positionOf(sealed: string): string {
  const position = plainUnseal('', sealed)
  if (!/^\d+$/.test(position) || Buffer.from(position).toString('base64url') !== sealed) throw invalidCursor()
  return position
}

function invalidCursor(): StoreError {
  return new StoreError('INVALID_CURSOR', 'The cursor is damaged, or belongs to another query or other data')
}

/** A store whose cursors are bound to something of the query as it was written, too. */
function boundTo(formOf: (query: CommandQuery | undefined) => string): Partial<Steps> {
  const forms = new WeakMap<CheckedQuery, string>()
  return {
    checkQuery(query) {
      const checked = base.checkQuery(query)
      forms.set(checked, formOf(query))
      return checked
    },
    scope: (handle, query) => `${base.scope(handle, query)} ${forms.get(query)}`,
  }
}

/** What a cursor is bound to, and what a bad one does. */
export const cursorSuspects: readonly Suspect[] = [
  suspect('cursors/bound-to-nothing', 'A cursor works with any other query.', () => ({
    seal: plainSeal,
    unseal: (_scope, sealed) => positionOf(sealed),
  })),
  suspect('cursors/a-date-is-another-filter', 'A cursor of a query with a Date is refused with the same number.', () =>
    boundTo((query) => `${typeof query?.from} ${typeof query?.to}`),
  ),
  suspect('cursors/the-default-is-another-order', 'A cursor is refused where the default order is named.', () =>
    boundTo((query) => String(query?.order)),
  ),
  suspect('cursors/not-bound-to-filters', 'A cursor works with other filters.', () => ({
    scope: ({ data }, { order }) => `${data.scope} ${order}`,
  })),
  suspect('cursors/not-bound-to-order', 'A cursor works with the other order.', () => ({
    scope: (handle, query) => base.scope(handle, { ...query, order: 'newest' }),
  })),
  suspect('cursors/not-bound-to-times', 'A cursor works with another from and to.', () => ({
    scope: (handle, query) => base.scope(handle, { ...query, from: undefined, to: undefined }),
  })),
  suspect('cursors/not-bound-to-attributes', 'A cursor works with other attributes.', () => ({
    scope: (handle, query) => base.scope(handle, { ...query, attributes: [] }),
  })),
  suspect(
    'cursors/not-bound-to-data',
    'A cursor of other data is taken for one of this.',
    () => ({
      scope: (handle, query) => base.scope({ ...handle, data: { ...handle.data, scope: 'data' } }, query),
    }),
    { needs: 'open' },
  ),
  suspect('cursors/bound-to-the-limit', 'A cursor is refused with another limit.', () => ({
    scope: (handle, query) => `${base.scope(handle, query)} ${query.limit}`,
  })),
  suspect(
    'cursors/bound-to-the-handle',
    'A cursor is refused by any other handle of the same data.',
    () => {
      const handles = new WeakMap<object, number>()
      let opened = 0
      return {
        expose(store, handle) {
          handles.set(handle, opened++)
          return store
        },
        scope: (handle, query) => `${base.scope(handle, query)} ${handles.get(handle)}`,
      }
    },
    { needs: 'open' },
  ),
  suspect('cursors/expire-at-a-write', 'A cursor is refused once something was written.', () => ({
    scope: (handle, query) => `${base.scope(handle, query)} ${handle.data.nextChange}`,
  })),
  suspect('cursors/single-use', 'A cursor is refused the second time.', () => {
    const used = new Set<string>()
    return {
      unseal(scope, sealed) {
        if (used.has(sealed)) throw invalidCursor()
        used.add(sealed)
        return base.unseal(scope, sealed)
      },
    }
  }),
  suspect('cursors/damaged-is-first-page', 'A damaged cursor gives the first page.', () => ({
    page: (handle, query) => base.page(handle, query).catch(() => base.page(handle, { ...query, cursor: undefined })),
  })),
  suspect('cursors/damaged-is-empty-page', 'A damaged cursor gives an empty page.', () => ({
    page: (handle, query) => base.page(handle, query).catch(() => ({ records: [] })),
  })),
  suspect('cursors/empty-is-first-page', 'The empty text as a cursor gives the first page.', () => ({
    page: (handle, query) => base.page(handle, { ...query, cursor: query.cursor || undefined }),
  })),
  suspect('cursors/damaged-is-invalid-query', 'A damaged cursor is refused as INVALID_QUERY.', () => ({
    unseal(scope, sealed) {
      try {
        return base.unseal(scope, sealed)
      } catch {
        throw new StoreError('INVALID_QUERY', 'The cursor is damaged')
      }
    },
  })),
  suspect('cursors/damaged-is-a-raw-error', 'A damaged cursor fails with the SyntaxError of its parser.', () => ({
    unseal(scope, sealed) {
      try {
        return base.unseal(scope, sealed)
      } catch {
        throw new SyntaxError('Unexpected token in JSON at position 0')
      }
    },
  })),
  suspect('cursors/junk-at-the-end', 'A cursor with something added to it is still accepted.', () => ({
    unseal: (scope, sealed) =>
      base.unseal(scope, sealed.slice(0, base.seal(scope, '1').length + 4).replace(/[^\w-]+.*$/su, '')),
  })),
  suspect('cursors/without-case', 'A cursor is a hexadecimal text whose case does not count.', () => ({
    seal: (scope, position) => Buffer.from(`${digest(scope, position)}${position}`).toString('hex'),
    unseal: (scope, sealed) => hexPosition(scope, sealed),
  })),
  suspect('cursors/lenient-base64', 'Characters that are not base64 are skipped in a cursor.', () => ({
    unseal: (scope, sealed) => base.unseal(scope, Buffer.from(sealed, 'base64url').toString('base64url')),
  })),
]

function digest(scope: string, position: string): string {
  return createHash('sha256').update(`${scope}\n${position}`).digest('base64url').slice(0, 16)
}

function hexPosition(scope: string, sealed: string): string {
  const text = Buffer.from(sealed, 'hex').toString()
  const position = text.slice(16)
  if (Buffer.from(text).toString('hex') !== sealed.toLowerCase() || digest(scope, position) !== text.slice(0, 16))
    throw invalidCursor()
  return position
}
