import { type CommandRecord, type Payload, StoreError } from '../../src/index.ts'
import { type GroupItem, isSettled, parseJson, settle, takeRecord } from '../../storekit/index.ts'
import { recordSubject } from './schema.ts'

/** A record on its way into the stream. */
export interface Row extends GroupItem {
  readonly record: CommandRecord
  /** By this a writer knows its own messages again, whatever became of the answer. */
  readonly writer: string
  /** What follows the first line of the message that is most likely to be written. */
  readonly rest: string | Uint8Array
}

/** Bodies of records in the stream, without their first line. */
const mostBytes = 64 * 1024 * 1024

let rows = 0
const process = crypto.randomUUID().slice(0, 13)

/** Checks and copies a record. */
export function toRow(given: CommandRecord): Row {
  const record = takeRecord(given)
  checkValues(record)
  const isOutcome = isSettled(record)
  const rest = isOutcome ? outcomeRest(record) : wholeRest(record)
  const bytes = 512 + rest.length + (isOutcome ? (record.payload.data?.length ?? 0) : 0)
  if (bytes > mostBytes) throw tooLarge()
  rows++
  return { id: record.id, isSettled: isOutcome, bytes, record, writer: `${process}${rows.toString(36)}`, rest }
}

/** What is said when a record is larger than anything that could be written. */
export function tooLarge(): StoreError {
  return new StoreError('RECORD_TOO_LARGE', 'The record is larger than the stream takes')
}

/** The first line of a message. A body that is larger than the server takes is in parts, the last one here. */
interface Head {
  /** Who wrote it. */
  readonly by: string
  /** Of what was settled at once: who wrote the outcome. */
  readonly outcomeBy?: string
  /** Of an outcome: where the intent is, and so where the record has its place. */
  readonly of?: number
  /** How many parts of it are in the messages before. */
  readonly parts?: number
  /** What follows the line of JSON: the payload's body, and the result's. */
  readonly payload?: Body
  readonly result?: Body
}

type Body = readonly [kind: 'text' | 'bytes', bytes: number]

/** A message to be written. */
export interface Draft {
  readonly subject: string
  readonly body: Uint8Array
  /** What the last message on this subject must be; undefined where that does not matter. */
  readonly expected: number | undefined
  /** Of which subject that is the last message, where it is another. */
  readonly expectedOf?: string
}

/** The messages of a record that is new, none if it never fits: those before the last one change nothing for who reads. */
export function firstDrafts(
  stream: string,
  { intent, outcome }: { readonly intent: Row | undefined; readonly outcome: Row | undefined },
  expected: number,
  mostInMessage: number,
): readonly Draft[] {
  const { record, writer } = intent ?? (outcome as Row)
  const isBoth = intent !== undefined && outcome !== undefined
  const whole = isBoth ? settle(record, outcome.record) : record
  const rest = intent !== undefined && !isBoth ? intent.rest : wholeRest(whole)
  const head = { by: writer, ...(outcome !== undefined && { outcomeBy: outcome.writer }), ...bodiesOf(whole) }
  return inParts(recordSubject(stream, record.id), { head, rest, expected }, mostInMessage)
}

/** The messages of an outcome whose intent is there. */
export function outcomeDrafts(stream: string, row: Row, intent: number, mostInMessage: number): readonly Draft[] {
  const { result } = bodiesOf(row.record)
  const head = { by: row.writer, of: intent, ...(result !== undefined && { result }) }
  return inParts(recordSubject(stream, row.id), { head, rest: row.rest, expected: intent }, mostInMessage)
}

function inParts(
  subject: string,
  { head, rest, expected }: { readonly head: Head; readonly rest: string | Uint8Array; readonly expected: number },
  mostInMessage: number,
): readonly Draft[] {
  const body = toBytes(`${JSON.stringify(head)}\n`, rest)
  if (body.length <= mostInMessage) return [{ subject, body, expected }]
  const bytes = typeof rest === 'string' ? Buffer.from(rest) : rest
  const room = mostInMessage - 512
  // A server for messages that hold next to nothing.
  if (room < 512) return []
  const parts = Math.ceil(bytes.length / room) - 1
  const drafts: Draft[] = []
  for (let part = 0; part < parts; part++) {
    const piece = bytes.subarray(part * room, (part + 1) * room)
    drafts.push({ subject, body: Buffer.concat([partMark, piece]), expected: part === 0 ? expected : undefined })
  }
  const last = Buffer.concat([Buffer.from(`${JSON.stringify({ ...head, parts })}\n`), bytes.subarray(parts * room)])
  return [...drafts, { subject, body: last, expected: undefined }]
}

/** What a part of a body begins with; a head begins with a brace. */
const partMark = Buffer.from('+')
const brace = 123
const newline = 10

function toBytes(line: string, rest: string | Uint8Array): Uint8Array {
  return typeof rest === 'string' ? Buffer.from(line + rest) : Buffer.concat([Buffer.from(line), rest])
}

function bodiesOf({ payload, result }: CommandRecord): Pick<Head, 'payload' | 'result'> {
  const [first, second] = [bodyOf(payload), bodyOf(result)]
  return { ...(first !== undefined && { payload: first }), ...(second !== undefined && { result: second }) }
}

function bodyOf(body: Payload | undefined): Body | undefined {
  const data = body?.data
  if (data === undefined) return undefined
  return typeof data === 'string' ? ['text', Buffer.byteLength(data)] : ['bytes', data.length]
}

function wholeRest(record: CommandRecord): string | Uint8Array {
  const { payload, result } = record
  const bare = {
    ...record,
    payload: withoutData(payload),
    ...(result !== undefined && { result: withoutData(result) }),
  }
  return withData(json(bare), payload.data, result?.data)
}

function outcomeRest(record: CommandRecord): string | Uint8Array {
  const { state, events, result, problem, error, settledAt, durationMs, attempts, metadata } = record
  const bare = result === undefined ? undefined : withoutData(result)
  const outcome = { state, events, result: bare, problem, error, settledAt, durationMs, attempts, metadata }
  return withData(json(outcome), undefined, result?.data)
}

function withoutData({ status, format, bytes }: Payload): Payload {
  return { status, format, bytes }
}

function withData(
  line: string,
  payload: string | Uint8Array | undefined,
  result: string | Uint8Array | undefined,
): string | Uint8Array {
  if (payload === undefined && result === undefined) return line
  if (!(payload instanceof Uint8Array || result instanceof Uint8Array))
    return `${line}\n${payload ?? ''}${result ?? ''}`
  return Buffer.concat([`${line}\n`, payload ?? '', result ?? ''].map((each) => Buffer.from(each as string)))
}

/** A message as it is read. */
export interface Message {
  readonly subject: string
  readonly seq: number
  readonly data: Uint8Array
}

/** What a message is about, as far as its first line tells. */
export interface Headed {
  readonly seq: number
  readonly head: Head
  readonly subject: string
  /** What follows the first line, without the parts before. */
  readonly rest: Buffer
}

/** The head of a message; undefined for a part, or what is on no record's subject. */
export function toHeaded({ subject, seq, data }: Message): Headed | undefined {
  if (data[0] !== brace) return undefined
  const end = data.indexOf(newline)
  if (end === -1) return undefined
  const head = parse<Head>(Buffer.from(data.buffer, data.byteOffset, end).toString())
  if (typeof head?.by !== 'string') throw corrupt()
  return { seq, head, subject, rest: Buffer.from(data.buffer, data.byteOffset + end + 1, data.length - end - 1) }
}

/** The record, or what an outcome brings, once all parts are there. */
export function fromHeaded({ head, rest }: Headed, parts: readonly Uint8Array[]): CommandRecord {
  const whole = parts.length === 0 ? rest : Buffer.concat([...parts.map((part) => part.subarray(1)), rest])
  const bytes = Buffer.from(whole.buffer, whole.byteOffset, whole.length)
  const line = bytes.indexOf(newline)
  const end = line === -1 ? bytes.length : line
  const record = parse<{ -readonly [key in keyof CommandRecord]: CommandRecord[key] }>(bytes.toString('utf8', 0, end))
  const { payload, result } = head
  if (end + 1 + (payload?.[1] ?? 0) + (result?.[1] ?? 0) !== (line === -1 ? end + 1 : bytes.length)) throw corrupt()
  const between = end + 1 + (payload?.[1] ?? 0)
  if (payload !== undefined) record.payload = { ...record.payload, data: dataOf(payload, bytes, end + 1) }
  if (result !== undefined) record.result = { ...(record.result as Payload), data: dataOf(result, bytes, between) }
  return record
}

function dataOf([kind, length]: Body, bytes: Buffer, at: number): string | Uint8Array {
  return kind === 'text' ? bytes.toString('utf8', at, at + length) : new Uint8Array(bytes.subarray(at, at + length))
}

function parse<T>(text: string): T {
  try {
    return parseJson(text) as T
  } catch {
    throw corrupt()
  }
}

function corrupt(): StoreError {
  return new StoreError('STORE_CORRUPT', 'A message of the stream is damaged, or of somebody else')
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    throw invalid('what JSON has a text for')
  }
}

/** JSON has null for NaN, and UTF-8 has U+FFFD for half a character. */
function checkValues(record: CommandRecord): void {
  const { id, type, correlationId, payload, result, settledAt, durationMs, attempts } = record
  for (const text of [id, type, correlationId, payload.data, result?.data]) {
    if (typeof text === 'string' && !text.isWellFormed()) throw invalid('well-formed texts')
  }
  for (const number of [settledAt, durationMs, attempts, payload.bytes, result?.bytes]) {
    if (number !== undefined && !Number.isFinite(number)) throw invalid('finite numbers')
  }
}

function invalid(expected: string): StoreError {
  return new StoreError('INVALID_RECORD', `Not a command record: expected ${expected}`)
}
