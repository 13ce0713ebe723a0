import type { CommandRecord } from '../src/index.ts'
import type { CausalNode } from './causality.ts'

/** How `formatTree` prints. */
export interface FormatOptions {
  /** One node's line, printed as it is; by default type, state and id, with what a terminal could obey escaped. */
  readonly describe?: ((node: CausalNode) => string) | undefined
}

interface Branch {
  readonly node: CausalNode
  readonly lead: string
  readonly below: string
}

/** A causal tree as text, a line a node. */
export function formatTree(tree: CausalNode, { describe = describeNode }: FormatOptions = {}): string {
  const lines: string[] = []
  // A stack of our own: a tree may be deeper than that of the program.
  const stack: Branch[] = [{ node: tree, lead: '', below: '' }]
  for (let branch = stack.pop(); branch !== undefined; branch = stack.pop()) {
    const { node, lead, below } = branch
    lines.push(lead + describe(node))
    for (let index = node.next.length - 1; index >= 0; index--) {
      const isLast = index === node.next.length - 1
      stack.push({
        node: node.next[index] as CausalNode,
        lead: `${below}${isLast ? '└─ ' : '├─ '}`,
        below: indent(`${below}${isLast ? '   ' : '│  '}`),
      })
    }
  }
  return lines.join('\n')
}

/** Enough for a hundred levels. What is deeper goes on down, not to the right: its text would grow with the square. */
const widest = 300

function indent(below: string): string {
  return below.length > widest ? `⋯${below.slice(1 - widest)}` : below
}

function describeNode(node: CausalNode): string {
  const id = shown(node.id)
  switch (node.kind) {
    case 'command':
      return `${shown(node.record.type)} [${id}] ${outcomeOf(node.record)}`
    case 'event': {
      const { type = 'event', stream, version } = node.event
      const place = stream === undefined ? '' : ` in ${shown(stream)}`
      return `→ ${shown(type)} [${id}]${place}${version === undefined ? '' : ` at ${version}`}`
    }
    case 'missing':
      return `? [${id}] is not on the record`
    case 'cycle':
      return `↺ [${id}] comes of itself`
    case 'repeated':
      return `= [${id}] is shown elsewhere`
    case 'limit':
      return `… [${id}] and more`
  }
}

function outcomeOf({ state, problem, error, dryRun }: CommandRecord): string {
  const why = problem?.code ?? problem?.title ?? error?.name
  return `${state}${why === undefined ? '' : `: ${shown(why)}`}${dryRun ? ', dry run' : ''}`
}

const longest = 200

/** Text that can neither break a line, nor steer a terminal, nor turn the direction of reading. */
function shown(text: string): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (character) => {
    return character === '\\' ? '\\\\' : `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}
