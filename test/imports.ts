/** One import or re-export, as it stands in a source file. */
export interface Specifier {
  readonly text: string
  /** Gone at run time: `import type`, `export type … from`. */
  readonly typeOnly: boolean
}

const token = new RegExp(
  [
    /\/\*[\s\S]*?\*\//, // block comment
    /\/\/[^\n]*/, // line comment
    /'(?:\\.|[^'\\\n])*'/,
    /"(?:\\.|[^"\\\n])*"/,
    /`(?:\\[\s\S]|[^`\\])*`/,
    /(?<=(?:[=(,:!&|?{;[]|\n|return|=>)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//, // regular expression
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
)

/** The source with comments, texts and regular expressions emptied: what is left is code, on the same lines. */
export function codeOnly(source: string): string {
  return source.replace(token, (found) => {
    const quote = /^['"`]/.test(found) ? found.charAt(0) : ''
    return quote + found.slice(quote.length, found.length - quote.length).replace(/[^\n]/g, ' ') + quote
  })
}

/** Every static import and re-export. A line that starts one and cannot be read is an error, never overlooked. */
export function importsOf(source: string): Specifier[] {
  const code = codeOnly(source)
  const found: Specifier[] = []
  for (const start of code.matchAll(/^[ \t]*(?:import\b(?!\s*[(.])|export\s+(?:type\s+)?(?:\*|\{))/gm)) {
    const statement = readStatement(code.slice(start.index))
    if (statement === undefined) throw new SyntaxError(`Not a readable import: ${firstLine(source.slice(start.index))}`)
    if (statement.quoteAt === undefined) continue
    const from = start.index + statement.quoteAt
    const quote = source.charAt(from)
    const text = source.slice(from + 1, source.indexOf(quote, from + 1))
    found.push({ text, typeOnly: statement.typeOnly })
  }
  return found
}

/** The names that an entry point's source exports, by its own export statements; types and values together. */
export function exportedNames(source: string): string[] {
  const code = codeOnly(source)
  const names: string[] = []
  for (const [, list = ''] of code.matchAll(/^export\s+(?:type\s+)?\{([^}]*)\}/gm)) {
    for (const item of list.split(',')) {
      const name = item.trim().split(/\s+/).at(-1)
      if (name !== undefined && name !== '') names.push(name)
    }
  }
  const declared =
    /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type)\s+(\w+)/gm
  for (const [, name] of code.matchAll(declared)) if (name !== undefined) names.push(name)
  return [...new Set(names)].sort()
}

interface Statement {
  readonly typeOnly: boolean
  /** Where the specifier's quote is; absent for `export { a }`, which imports nothing. */
  readonly quoteAt?: number
}

function readStatement(code: string): Statement | undefined {
  const bare = /^\s*import\s*(?=['"])/.exec(code)
  if (bare !== null) return { typeOnly: false, quoteAt: bare[0].length }
  const clause = String.raw`(?:[\w$]+\s*,\s*)?(?:[\w$]+|\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})`
  const from = new RegExp(String.raw`^\s*(?:import|export)\s*(type\b(?!\s+from\b))?\s*${clause}\s*from\s*(?=['"])`)
  const match = from.exec(code)
  if (match !== null) return { typeOnly: match[1] !== undefined, quoteAt: match[0].length }
  return /^\s*export\s+(?:type\s+)?\{[^}]*\}/.test(code) ? { typeOnly: true } : undefined
}

function firstLine(text: string): string {
  return text.trimStart().split('\n', 1)[0] ?? ''
}
