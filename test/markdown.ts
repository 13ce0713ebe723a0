/** A fenced block of a document. */
export interface Fence {
  /** Of its first line of content, from 1. */
  readonly line: number
  /** The first word after the backticks. */
  readonly language: string
  /** The words after the language. */
  readonly marks: readonly string[]
  readonly body: string
}

/** A relative link of a document. */
export interface Link {
  readonly line: number
  /** Without its anchor. */
  readonly path: string
}

/** Every fenced block, in order. A fence that is never closed is an error. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const open = /^( *)(`{3,})(.*)$/.exec(lines[at] ?? '')
    if (open === null) continue
    const [, indent = '', ticks = '', info = ''] = open
    const end = lines.findIndex((text, index) => index > at && text.trim() === ticks)
    if (end < 0) throw new SyntaxError(`The fence of line ${at + 1} is never closed`)
    const body = lines.slice(at + 1, end).map((text) => (text.startsWith(indent) ? text.slice(indent.length) : text))
    const [language = '', ...marks] = info.trim().split(/\s+/)
    fences.push({ line: at + 2, language, marks, body: body.join('\n') })
    at = end
  }
  return fences
}

/** Every link to a file of the project, from prose: not those in code, not those to elsewhere. */
export function linksOf(markdown: string): Link[] {
  const prose = withoutCode(markdown)
  const links: Link[] = []
  for (const pattern of [/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g, /^\[[^\]]+\]:\s*<?([^\s>]+)/gm]) {
    for (const match of prose.matchAll(pattern)) {
      const path = (match[1] ?? '').replace(/#.*$/, '')
      if (path === '' || /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(path)) continue
      links.push({ line: prose.slice(0, match.index).split('\n').length, path: decodeURIComponent(path) })
    }
  }
  return links.sort((a, b) => a.line - b.line)
}

/** The same lines with the content of fences and of code spans taken out. */
function withoutCode(markdown: string): string {
  const lines = markdown.split('\n')
  for (const { line, body } of fencesOf(markdown)) {
    const count = body.split('\n').length
    lines.fill('', line - 1, line - 1 + count)
  }
  return lines.join('\n').replace(/(`+)[^`\n]+\1/g, '')
}
