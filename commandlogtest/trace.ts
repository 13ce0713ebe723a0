import { showShort } from './plain-record.ts'

const mostLines = 48
const [firstKept, mostKept] = [8, 4000]

/** What one execution of a check asked of the store, and heard: the counter-example, where it fails. */
export interface Trace {
  /** Notes a call at the moment that it is made; the returned function notes its answer. */
  call(handle: string, method: string, args: readonly unknown[]): (answer: unknown, isFailure?: boolean) => void
  /** The calls as a numbered list, in the order in which they were made; of records only what is not plain. */
  lines(): readonly string[]
}

interface Step {
  readonly handle: string
  readonly method: string
  readonly args: readonly unknown[]
  answer: unknown
  outcome: 'pending' | 'resolved' | 'rejected'
}

/** An empty trace. Keeps references and prints only when asked, since hardly any execution fails. */
export function newTrace(): Trace {
  const steps: Step[] = []
  let dropped = 0
  return {
    call(handle, method, args) {
      const step: Step = { handle, method, args, answer: undefined, outcome: 'pending' }
      steps.push(step)
      if (steps.length > mostKept) dropped += steps.splice(firstKept, mostKept / 2).length
      return (answer, isFailure = false) => {
        step.answer = answer
        step.outcome = isFailure ? 'rejected' : 'resolved'
      }
    },
    lines() {
      const number = (index: number): number => 1 + index + (index < firstKept ? 0 : dropped)
      const shown = folded(steps.map(showStep), number)
      if (shown.length <= mostLines) return shown
      const left = shown.length - mostLines
      return [...shown.slice(0, firstKept), `… ${left} lines`, ...shown.slice(firstKept + left)]
    },
  }
}

/** Numbers the calls; those that are the same several times in a row are one line. */
function folded(calls: readonly string[], number: (index: number) => number): string[] {
  const lines: string[] = []
  let first = 0
  for (const [index, call] of calls.entries()) {
    if (calls[index + 1] === call) continue
    const times = number(index) - number(first) + 1
    lines.push(
      times === 1 ? `${number(first)}. ${call}` : `${number(first)}.–${number(index)}. ${times} times: ${call}`,
    )
    first = index + 1
  }
  return lines
}

function showStep({ handle, method, args, answer, outcome }: Step): string {
  const asked = `${handle}${method}(${args.map(showShort).join(', ')})`
  if (outcome === 'pending') return `${asked} → not settled`
  return `${asked} → ${outcome === 'rejected' ? 'rejects with ' : ''}${showShort(answer)}`
}
