import { StoreError } from '../../src/index.ts'

/** SQLSTATEs, by their beginning, of statements that the server refused. The first that fits counts. */
const kinds: readonly (readonly [begin: string, code: string, message: string])[] = [
  ['22', 'INVALID_RECORD', 'The record holds what a column cannot'],
  ['23', 'INVALID_RECORD', 'The record holds what a column cannot'],
  ['54', 'RECORD_TOO_LARGE', 'The record is larger, or deeper, than Postgres takes'],
  ['25006', 'STORE_READ_ONLY', 'The server only reads: it is a standby, or set so'],
  ['42501', 'STORE_READ_ONLY', 'The role has no right to do this'],
  ['42', 'STORE_INCOMPATIBLE', 'The tables are not there, or not those of a command log'],
  ['28', 'STORE_UNAVAILABLE', 'The server does not let this user in'],
  ['3D', 'STORE_UNAVAILABLE', 'There is no such database'],
  ['53100', 'STORE_FULL', 'The disk of the server is full'],
  ['53', 'STORE_UNAVAILABLE', 'The server has no room for more connections or memory'],
  ['57014', 'STORE_TIMEOUT', 'The server gave up the statement'],
  ['XX001', 'STORE_CORRUPT', 'The data of the server is damaged'],
  ['XX002', 'STORE_CORRUPT', 'The data of the server is damaged'],
]

/** Of these the statement never left, or never arrived. */
const neverSent = [
  ...['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['CONNECT_TIMEOUT', 'CONNECTION_ENDED', '57P03'],
]

/** What the driver or the server failed with. Tells the code alone: messages hold URLs, statements and values. */
export function toStoreError(thrown: unknown, isWrite: boolean): StoreError {
  if (thrown instanceof StoreError) return thrown
  const { code, isRefusal } = factsOf(thrown)
  const kind = kinds.find(([begin]) => isRefusal && code.startsWith(begin))
  const [, ours, message] = kind ?? ['', 'STORE_UNAVAILABLE', 'The server cannot be reached, or failed']
  return new StoreError(ours, `${message} (${code})`, isWrite && !isSurelyNot(thrown) ? 'unknown' : 'no')
}

/** Whether the statement did nothing, and might do better soon: a lost race, a server that starts, or that is full. */
export function isTransient(thrown: unknown): boolean {
  return ['40001', '40P01', '55P03', '57P03', '53300'].includes(factsOf(thrown).code)
}

/** Whether a connection broke that had been there: another one may be had at once. */
export function isBroken(thrown: unknown): boolean {
  return /^(?:CONNECTION_CLOSED|CONNECTION_DESTROYED|ECONNRESET|EPIPE|ETIMEDOUT|08|57P0[12])/.test(factsOf(thrown).code)
}

/** Whether it says something of the connection, and nothing of the statement. */
export function isOfConnection(thrown: unknown): boolean {
  const { code } = factsOf(thrown)
  return /^(?:CONNECTION_|CONNECT_|E[A-Z_]+$|SASL_|UNKNOWN$|08|28|3D|53300|57P)/.test(code)
}

/** Whether a statement did nothing: the server refused it and lives on, or never had it. */
function isSurelyNot(thrown: unknown): boolean {
  const { code, isRefusal } = factsOf(thrown)
  return neverSent.includes(code) || (isRefusal && !code.startsWith('57P') && !code.startsWith('08'))
}

function factsOf(thrown: unknown): { readonly code: string; readonly isRefusal: boolean } {
  const { name, code, severity } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Record<
    string,
    unknown
  >
  if (typeof code !== 'string' || !/^[A-Z0-9_]{2,40}$/.test(code)) return { code: 'UNKNOWN', isRefusal: false }
  // The end of a session may have come after the commit; an error of a statement has rolled it back.
  const isRefusal =
    name === 'PostgresError' && severity !== 'PANIC' && (severity !== 'FATAL' || /^(?:28|3D|53|57P03)/.test(code))
  return { code, isRefusal }
}
