// Lists and objects within a record that do not survive.

import type { CommandRecord, EventRef, JsonValue } from '../../src/index.ts'
import { type Suspect, suspect } from './saboteur.ts'
import { assigned, mapJson, mapLeaves, reading, storing, withJson } from './values.ts'

/** A record with every event changed. */
function withEvents(change: (events: readonly EventRef[]) => readonly unknown[]) {
  return (record: CommandRecord): CommandRecord => ({ ...record, events: change(record.events) as readonly EventRef[] })
}

/** Lists and objects. */
export const nestedSuspects: readonly Suspect[] = [
  suspect('columns/hundred-events', 'Only the first 100 events are kept.', () =>
    storing(withEvents((events) => events.slice(0, 100))),
  ),
  suspect('columns/distinct-events', 'Events of the same id are stored once.', () =>
    storing(withEvents((events) => [...new Map(events.map((event) => [event.id, event])).values()])),
  ),
  suspect('columns/sorted-events', 'Events come back sorted by id.', () =>
    storing(withEvents((events) => [...events].sort((a, b) => (a.id < b.id ? -1 : 1)))),
  ),
  suspect('columns/event-ids-only', 'Of events only the ids are kept.', () =>
    storing(withEvents((events) => events.map(({ id }) => ({ id })))),
  ),
  suspect('columns/no-event-versions', 'The versions of events are lost.', () =>
    storing(withEvents((events) => events.map(({ version: _version, ...event }) => event))),
  ),
  suspect('columns/event-version-zero-lost', 'An event of version 0 comes back without a version.', () =>
    storing(withEvents((events) => events.map(({ version, ...event }) => (version ? { ...event, version } : event)))),
  ),
  suspect('columns/no-stacks', 'The stack of an error is lost.', () =>
    storing(({ error, ...record }) =>
      error === undefined ? record : { ...record, error: { name: error.name, message: error.message } },
    ),
  ),
  suspect('columns/error-is-its-message', 'The name of every error comes back as Error.', () =>
    storing((record) =>
      record.error === undefined ? record : { ...record, error: { ...record.error, name: 'Error' } },
    ),
  ),
  suspect('columns/no-problem-extensions', 'Of a problem only the members of RFC 9457 and the code are kept.', () =>
    storing(({ problem, ...record }) => {
      if (problem === undefined) return record
      const known = ['type', 'title', 'status', 'detail', 'instance', 'code']
      return {
        ...record,
        problem: Object.fromEntries(Object.entries(problem).filter(([name]) => known.includes(name))),
      }
    }),
  ),
  suspect('columns/problem-with-defaults', 'A problem without a type comes back as about:blank.', () =>
    storing((record) =>
      record.problem === undefined ? record : { ...record, problem: { type: 'about:blank', ...record.problem } },
    ),
  ),
  suspect('columns/source-is-its-service', 'Of the source only the service is kept.', () =>
    storing(({ source, ...record }) =>
      source === undefined
        ? record
        : { ...record, source: source.service === undefined ? {} : { service: source.service } },
    ),
  ),
  suspect('redis/attributes-as-text', 'Attributes come back as text.', () => storing(withAttributes(String))),
  suspect('redis/attributes-guessed', 'Attributes that read as numbers or booleans come back as such.', () =>
    storing(
      withAttributes((value) =>
        typeof value === 'string' && /^(\d+|true|false)$/.test(value)
          ? JSON.parse(value.replace(/^0+(?=\d)/, ''))
          : value,
      ),
    ),
  ),
  suspect('sql/boolean-attributes-as-numbers', 'Attributes that are true or false come back as 1 or 0.', () =>
    storing(withAttributes((value) => (typeof value === 'boolean' ? Number(value) : value))),
  ),
  suspect('sql/whole-number-attributes', 'Numbers in attributes are stored as integers.', () =>
    storing(withAttributes((value) => (typeof value === 'number' ? Math.trunc(value) : value))),
  ),
  suspect('mongo/dotted-keys', 'A dot in a key of metadata or attributes becomes an underscore.', () =>
    storing(withJson(keys((key) => key.replaceAll('.', '_')))),
  ),
  suspect('mongo/dollar-keys', 'Keys that begin with $ are dropped.', () =>
    storing(withJson((value) => pruned(value, (key) => !key.startsWith('$')))),
  ),
  suspect('json/proto-applied', 'A member called __proto__ sets the prototype and is lost.', () =>
    storing(withJson(assigned)),
  ),
  suspect('json/constructor-dropped', 'Members called constructor or prototype are dropped.', () =>
    storing(withJson((value) => pruned(value, (key) => key !== 'constructor' && key !== 'prototype'))),
  ),
  suspect('json/empty-keys-dropped', 'A member whose name is the empty text is dropped.', () =>
    storing(withJson((value) => pruned(value, (key) => key !== ''))),
  ),
  suspect('json/nulls-dropped', 'Members of metadata that are null are dropped.', () =>
    storing(withJson((value) => mapLeaves(value, (leaf) => leaf ?? undefined))),
  ),
  suspect('dynamo/empty-texts-dropped', 'Empty texts in metadata and attributes are dropped.', () =>
    storing(withJson((value) => mapLeaves(value, (leaf) => (leaf === '' ? undefined : leaf)))),
  ),
  suspect('json/empty-object-is-absent', 'Metadata and attributes that are empty come back as absent.', () =>
    storing(withJson((value) => (Object.keys(value as object).length === 0 ? undefined : value))),
  ),
  suspect('json/dates-revived', 'Texts in metadata that read as a date come back as Dates.', () =>
    reading(
      withJson((value) =>
        mapLeaves(value, (leaf) =>
          typeof leaf === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(leaf) ? new Date(leaf) : leaf,
        ),
      ),
    ),
  ),
  suspect('json/numbers-as-floats', 'Numbers in metadata are stored with single precision.', () =>
    storing(withJson((value) => mapLeaves(value, (leaf) => (typeof leaf === 'number' ? Math.fround(leaf) : leaf)))),
  ),
  suspect('json/flat', 'Metadata deeper than 8 levels is cut.', () => storing(withJson((value) => cut(value, 8)))),
  suspect('json/arrays-as-objects', 'Arrays in metadata come back as objects.', () => storing(withJson(objects))),
]

function withAttributes(change: (value: string | number | boolean) => string | number | boolean) {
  return ({ attributes, ...record }: CommandRecord): CommandRecord =>
    attributes === undefined
      ? record
      : {
          ...record,
          attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, change(value)])),
        }
}

function keys(change: (key: string) => string) {
  return (value: JsonValue): JsonValue => mapJson(value, (text) => text, change)
}

function pruned(value: JsonValue, isKept: (key: string) => boolean): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => pruned(each, isKept))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => isKept(key))
  return Object.fromEntries(entries.map(([key, each]) => [key, pruned(each as JsonValue, isKept)]))
}

function cut(value: JsonValue, depth: number): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return null
  if (Array.isArray(value)) return value.map((each: JsonValue) => cut(each, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cut(each as JsonValue, depth - 1)]))
}

function objects(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, objects(each as JsonValue)]))
}
