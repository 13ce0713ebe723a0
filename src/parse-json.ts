import { randomUUID } from 'node:crypto'

/**
 * `JSON.parse`, but for a fault of V8, which may read a name with an escape in it as another that it has met before
 * (nodejs/node#63785): such names are put aside while it parses.
 */
export function parseJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text)
  const names = new Map<string, string>()
  const mark = randomUUID()
  const plain = withoutEscapes(text, (name) => {
    const other = `${mark} ${names.size}`
    names.set(other, JSON.parse(name))
    return `"${other}"`
  })
  const value: unknown = JSON.parse(plain)
  if (names.size > 0) rename(value, names)
  return value
}

/** The text with another name for each that has an escape. Every character is looked at a few times at most. */
function withoutEscapes(text: string, otherFor: (name: string) => string): string {
  let written = ''
  let from = 0
  let slash = text.indexOf('\\')
  for (let open = text.indexOf('"'); open !== -1; ) {
    if (slash !== -1 && slash < open) slash = text.indexOf('\\', open)
    const first = slash
    let close = text.indexOf('"', open + 1)
    while (slash !== -1 && slash < close) {
      // What an escape hides is not looked at.
      const next = slash + 2
      slash = text.indexOf('\\', next)
      if (close < next) close = text.indexOf('"', next)
    }
    if (close === -1) break
    const isEscaped = first !== -1 && first < close
    if (isEscaped && isName(text, close + 1)) {
      written += text.slice(from, open) + otherFor(text.slice(open, close + 1))
      from = close + 1
    }
    open = text.indexOf('"', close + 1)
  }
  return written + text.slice(from)
}

function isName(text: string, after: number): boolean {
  let at = after
  while (' \t\n\r'.includes(text[at] ?? ':')) at++
  return text[at] === ':'
}

/** Gives the members their own names again, in their order; no recursion, since documents may be deep. */
function rename(root: unknown, names: ReadonlyMap<string, string>): void {
  const left = [root]
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue
    const entries = Object.entries(value)
    for (const [, member] of entries) if (typeof member === 'object' && member !== null) left.push(member)
    if (Array.isArray(value) || !entries.some(([name]) => names.has(name))) continue
    for (const [name] of entries) delete (value as Record<string, unknown>)[name]
    for (const [name, member] of entries) {
      const own = { value: member, writable: true, enumerable: true, configurable: true }
      Object.defineProperty(value, names.get(name) ?? name, own)
    }
  }
}
