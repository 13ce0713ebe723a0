import { styleText } from 'node:util'
import type { CommandRecord, CommandState } from 'commandlog'
import { type CausalNode, formatTree } from 'commandlog/eventsourcing'

const styles: Record<CommandState, { readonly mark: string; readonly colour: Parameters<typeof styleText>[0] }> = {
  created: { mark: '…', colour: 'yellow' },
  successful: { mark: '✔', colour: 'green' },
  cancelled: { mark: '⊘', colour: 'gray' },
  rejected: { mark: '✘', colour: 'magenta' },
  conflict: { mark: '≠', colour: 'cyan' },
  failed: { mark: '✖', colour: 'red' },
}

/** Draws what came of a command; coloured where the terminal takes it, plain in a pipe. */
export function drawTree(tree: CausalNode): string {
  return formatTree(tree, { describe: drawNode })
}

function drawNode(node: CausalNode): string {
  if (node.kind === 'command') return drawCommand(node.record)
  if (node.kind === 'event') return styleText('dim', `→ ${node.event.type} ${node.id}`)
  return styleText('yellow', `${node.kind} ${node.id}`)
}

function drawCommand({ type, state, durationMs = 0, problem, error, payload, dryRun }: CommandRecord): string {
  const { mark, colour } = styles[state]
  const why = problem?.code ?? error?.message
  const notes = [
    styleText(colour, `${mark} ${state}`),
    `${durationMs.toFixed(1)} ms`,
    why === undefined ? '' : styleText(colour, why),
    dryRun ? styleText('yellow', 'dry run') : '',
    payload.status === 'full' ? '' : styleText('dim', `body ${payload.status}`),
  ]
  return `${type}  ${notes.filter((note) => note !== '').join('  ')}`
}
