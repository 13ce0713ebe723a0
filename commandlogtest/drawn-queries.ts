import fc, { type Arbitrary } from 'fast-check'
import type { CommandQuery, CommandRecord } from '../src/index.ts'
import { oneOf } from './arbitraries.ts'
import type { Scope } from './scope.ts'

/** Every filter of a query but the tenant. */
export const filterFields = [
  'type',
  'state',
  'correlationId',
  'causationId',
  'userId',
  'clientRef',
  'eventId',
  'problemCode',
  'importance',
  'retention',
  'dryRun',
  'from',
  'to',
  'attributes',
] as const

/** One of them. */
export type FilterField = (typeof filterFields)[number]

/** What keeps the records of others out of an answer: the tenant, or a value that only this execution has. */
export type Anchor = 'tenant' | 'own'

/** A query by the values of a record that is there, whichever that is: values of nobody would find nothing. */
export interface Draw {
  /** The number of that record. */
  readonly like: number
  readonly fields: readonly FilterField[]
  /** The number of the field that is asked as another record has it. */
  readonly stray: number
  /** Chooses among the ways in which the same can be asked. */
  readonly form: number
  readonly anchor: Anchor
  readonly order: 'newest' | 'oldest'
  readonly limit: number
}

/** Queries by up to so many filters. */
export function drawn(mostFields: number): Arbitrary<Draw> {
  return fc.record({
    like: fc.nat(15),
    fields: fc.shuffledSubarray([...filterFields], { maxLength: mostFields }),
    stray: fc.nat(7),
    form: fc.nat(23),
    anchor: oneOf(['tenant', 'own'] as const),
    order: oneOf(['newest', 'oldest'] as const),
    limit: oneOf([1, 2, 3, 100, 100, 1000]),
  })
}

/** The query that a draw stands for, among these records. */
export function queryOf(scope: Scope, records: readonly CommandRecord[], draw: Draw): CommandQuery {
  const { like, fields, stray, form, anchor, order, limit } = draw
  const [record, next] = [records[like % records.length], records[(like + 1) % records.length]]
  if (record === undefined || next === undefined) return { tenantId: scope.tenant, order, limit }
  const query = Object.assign(
    {},
    ...fields.map((field, index) =>
      index === stray ? filterLike(field, next, { form, next: record }) : filterLike(field, record, { form, next }),
    ),
  ) as CommandQuery
  return { ...anchored(scope, query, { anchor, record, form }), order, limit }
}

/** The same query, so that it finds no records of others. */
function anchored(
  scope: Scope,
  query: CommandQuery,
  { anchor, record, form }: { anchor: Anchor; record: CommandRecord; form: number },
): CommandQuery {
  if (anchor === 'tenant') return { ...query, tenantId: scope.tenant }
  const isOwn = (asked: CommandQuery): boolean => JSON.stringify(asked).includes(scope.prefix)
  if (isOwn(query)) return query
  const field = filterFields[form % filterFields.length] as FilterField
  const further = { ...filterLike(field, record, { form: 0, next: record }), ...query }
  return isOwn(further) ? further : { ...query, correlationId: record.correlationId }
}

interface Asked {
  readonly form: number
  readonly next: CommandRecord
}

/** A filter that this record passes, but for one in twelve; none where it has nothing of the kind. */
export function filterLike(field: FilterField, record: CommandRecord, { form, next }: Asked): CommandQuery {
  const way = form % 12
  switch (field) {
    case 'type':
      return { type: way === 5 ? [] : way % 3 === 2 ? [next.type, record.type] : record.type }
    case 'state':
      return { state: way === 8 ? [] : way % 3 === 2 ? [next.state, record.state] : record.state }
    case 'eventId': {
      const event = record.events[form % Math.max(1, record.events.length)]
      return event === undefined ? {} : { eventId: event.id }
    }
    case 'problemCode':
      return record.problem?.code === undefined ? {} : { problemCode: record.problem.code }
    case 'from':
      return { from: way === 11 ? record.receivedAt + 3 : record.receivedAt - (way % 2) }
    case 'to':
      return { to: way === 10 ? 0 : record.receivedAt + 1 + (way % 2) }
    case 'attributes':
      return attributesLike(record, form)
    default:
      return record[field] === undefined ? {} : { [field]: record[field] }
  }
}

/** One attribute of this record, or all of them. */
function attributesLike({ attributes = {} }: CommandRecord, form: number): CommandQuery {
  const all = Object.entries(attributes)
  const one = all[form % Math.max(1, all.length)]
  if (form % 4 === 3 || one === undefined) return { attributes }
  return { attributes: Object.fromEntries([one]) }
}
