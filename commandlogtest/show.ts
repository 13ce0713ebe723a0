const longestText = 120
const mostMembers = 24
const deepest = 6

/** Prints any value on one line, for people: bounded, never throwing, whatever a store handed out. */
export function show(value: unknown, depth = 0): string {
  try {
    return showValue(value, depth)
  } catch {
    // A getter or proxy of the store threw.
    return '(unreadable)'
  }
}

function showValue(value: unknown, depth: number): string {
  if (typeof value === 'string') return showText(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return '(a function)'
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Uint8Array) return showBytes(value)
  if (value instanceof Error) return showError(value)
  if (depth >= deepest) return '…'
  if (Array.isArray(value)) return `[${bounded(value, (each) => show(each, depth + 1), ', ')}]`
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  if (entries.length === 0) return '{}'
  return `{ ${bounded(entries, ([key, member]) => `${showKey(key)}: ${show(member, depth + 1)}`, ', ')} }`
}

/** Prints an error with the facts that a contract is about. */
export function showError(error: Error): string {
  const { code, written } = error as { code?: unknown; written?: unknown }
  const facts = [code === undefined ? '' : ` ${show(code)}`, written === undefined ? '' : ` written ${show(written)}`]
  return `${error.name}${facts.join('')} (${showText(error.message)})`
}

function showText(text: string): string {
  const quoted = JSON.stringify(text)
  if (quoted.length <= longestText) return quoted
  return `${quoted.slice(0, longestText / 2)}…${quoted.slice(-longestText / 4)} (${text.length} long)`
}

function showKey(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? key : showText(key)
}

function showBytes(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, 16)].join(',')
  return bytes.length > 16 ? `bytes[${shown},… (${bytes.length} long)]` : `bytes[${shown}]`
}

/** Prints the first members of a list, and how many more there are. */
export function bounded<T>(all: readonly T[], each: (one: T) => string, separator: string): string {
  const shown = all.slice(0, mostMembers).map(each)
  if (all.length > mostMembers) shown.push(`… ${all.length - mostMembers} more`)
  return shown.join(separator)
}
