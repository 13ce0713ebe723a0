import { styleText } from 'node:util'
import type { CommandRecord, CommandState } from 'commandlog'

const styles: Record<CommandState, { readonly mark: string; readonly colour: Parameters<typeof styleText>[0] }> = {
  created: { mark: '…', colour: 'yellow' },
  successful: { mark: '✔', colour: 'green' },
  cancelled: { mark: '⊘', colour: 'gray' },
  rejected: { mark: '✘', colour: 'magenta' },
  conflict: { mark: '≠', colour: 'cyan' },
  failed: { mark: '✖', colour: 'red' },
}

/** Draws the commands of one correlation as a tree of causes; coloured where the terminal takes it, plain in a pipe. */
export function drawTree(records: readonly CommandRecord[]): string {
  const ids = new Set(records.map(({ id }) => id))
  const roots = records.filter(({ causationId }) => causationId === undefined || !ids.has(causationId))
  return roots.flatMap((root) => drawBranch(root, records, '', '')).join('\n')
}

function drawBranch(record: CommandRecord, all: readonly CommandRecord[], lead: string, below: string): string[] {
  const children = all.filter(({ causationId }) => causationId === record.id)
  const drawn = children.flatMap((child, index) => {
    const isLast = index === children.length - 1
    return drawBranch(child, all, `${below}${isLast ? '└─ ' : '├─ '}`, `${below}${isLast ? '   ' : '│  '}`)
  })
  return [drawLine(record, lead), ...drawn]
}

function drawLine(
  { type, state, durationMs = 0, events, problem, error, payload, dryRun }: CommandRecord,
  lead: string,
): string {
  const { mark, colour } = styles[state]
  const name = `${lead}${type}`.padEnd(26)
  const status = styleText(colour, `${mark} ${state}`.padEnd(12))
  const took = `${durationMs.toFixed(1)} ms`.padStart(9)
  const came = events.map(({ id, type: eventType }) => `${eventType} ${styleText('dim', id)}`).join(', ')
  const why = problem?.code ?? error?.message
  const notes = [
    came,
    why === undefined ? '' : styleText(colour, why),
    dryRun ? styleText('yellow', 'dry run') : '',
    payload.status === 'full' ? '' : styleText('dim', `body ${payload.status}`),
  ]
  return `${name} ${status} ${took}  ${notes.filter((note) => note !== '').join('  ')}`.trimEnd()
}
