/** Stands before four hexadecimal digits where jsonb cannot have a code unit: NUL, and halves of a surrogate pair. */
const mark = '\ufffe'

/** JSON text that jsonb takes, whatever strings it holds; `fromJsonb` undoes it. Most texts stay as they are. */
export function toJsonb(json: string): string {
  // Two backslashes are one that is meant as such: what follows them is no escape.
  return json.replace(
    /\\\\|\\u(0000|fffe|d[89a-f][0-9a-f]{2})|\ufffe/gi,
    (found, unit: string | undefined, at: number) => {
      if (found === '\\\\') return found
      if (found === mark) return `${mark}fffe`
      const isPair = unit !== undefined && isEscapedPair(json, at)
      return isPair || unit === undefined ? found : `${mark}${unit.toLowerCase()}`
    },
  )
}

/** What was given to `toJsonb`, as far as JSON is concerned. */
export function fromJsonb(json: string): string {
  return json.includes(mark) ? json.replace(/\ufffe([0-9a-f]{4})/g, '\\u$1') : json
}

/** A text as jsonb has it once it is taken out of a document. */
export function toText(text: string): string {
  // With the u flag only halves that are on their own are matched.
  return text.replace(
    /[\0\ufffe\ud800-\udfff]/gu,
    (unit) => `${mark}${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Whether this escape is one half of a pair that is escaped as a whole, which is fine. */
function isEscapedPair(json: string, at: number): boolean {
  const here = Number.parseInt(json.slice(at + 2, at + 6), 16)
  if (here >= 0xd800 && here <= 0xdbff) return /^\\ud[c-f]/i.test(json.slice(at + 6, at + 10))
  if (here >= 0xdc00 && here <= 0xdfff) return at >= 6 && /^\\ud[89ab][0-9a-f]{2}$/i.test(json.slice(at - 6, at))
  return false
}
