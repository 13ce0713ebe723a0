import { show } from './show.ts'

const mostLines = 48
const [firstKept, mostKept] = [8, 4000]

/** What one execution of a check asked of the store, and heard: the counter-example, where it fails. */
export interface Trace {
  /** Notes a call at the moment that it is made; the returned function notes its answer. */
  call(handle: string, method: string, args: readonly unknown[]): (answer: unknown, isFailure?: boolean) => void
  /** The calls as a numbered list, in the order in which they were made. */
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
      const shown = steps.map((step, index) => `${number(index)}. ${showStep(step)}`)
      if (shown.length <= mostLines) return shown
      const left = shown.length - mostLines
      return [...shown.slice(0, firstKept), `… ${left + dropped} calls`, ...shown.slice(firstKept + left)]
    },
  }
}

function showStep({ handle, method, args, answer, outcome }: Step): string {
  const asked = `${handle}${method}(${args.map((each) => show(each)).join(', ')})`
  if (outcome === 'pending') return `${asked} → not settled`
  return `${asked} → ${outcome === 'rejected' ? 'rejects with ' : ''}${show(answer)}`
}
