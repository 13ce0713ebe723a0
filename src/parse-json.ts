const strings = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/g

/**
 * `JSON.parse`, but for a fault of V8, which may read a name with an escape in it as another that it has met before
 * (nodejs/node#63785): such names are put aside while it parses.
 */
export function parseJson(text: string): unknown {
  if (!text.includes('\\')) return JSON.parse(text)
  let mark = '#'
  while (text.includes(`"${mark}`)) mark += '#'
  const names = new Map<string, string>()
  const plain = text.replace(strings, (whole, inner: string, colon: string | undefined) => {
    if (colon === undefined || !inner.includes('\\')) return whole
    const name = `${mark}${names.size}`
    names.set(name, JSON.parse(`"${inner}"`))
    return `"${name}":`
  })
  const value: unknown = JSON.parse(plain)
  return names.size === 0 ? value : renamed(value, names)
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => renamed(each, names))
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [names.get(name) ?? name, renamed(each, names)]),
  )
}
