// An exhaustive search for an order of the calls of one id that explains every answer, in the manner of Wing and Gong
// with the cache of Lowe. Far slower than `isLinearizable`, and as plain as can be: the tests compare the two.

import { endOf } from './history.ts'
import type { IdCall } from './linearizability.ts'

interface State {
  readonly identity?: string
  readonly outcome?: string
}

/** Whether some order of these calls, at most 30, explains every answer. */
export function hasExplanation(calls: readonly IdCall[]): boolean {
  const counted = calls.filter(({ event }) => event.result.status !== 'failed')
  const visited = new Set<string>()
  const search = (done: number, state: State): boolean => {
    const key = `${done} ${JSON.stringify(state)}`
    if (visited.has(key)) return false
    visited.add(key)
    const left = counted.filter((_call, index) => (done & (1 << index)) === 0)
    if (left.every(({ event }) => event.result.status === 'unknown')) return true
    const soonest = Math.min(...left.map(({ event }) => endOf(event)))
    return counted.some((call, index) => {
      if ((done & (1 << index)) !== 0 || call.event.invoked > soonest) return false
      const next = step(state, call)
      return next !== undefined && search(done | (1 << index), next)
    })
  }
  return search(0, {})
}

/** The state after this call, or undefined where its answer does not fit. */
function step(state: State, call: IdCall): State | undefined {
  if ('seen' in call) {
    return call.seen?.identity === state.identity && call.seen?.outcome === state.outcome ? state : undefined
  }
  const { content, result } = call.event
  const [answer, next] = write(state, content)
  return result.status === 'unknown' || (result.status === 'ok' && result.value === answer) ? next : undefined
}

function write(state: State, content: { readonly identity: string; readonly outcome?: string }): [string, State] {
  if (state.identity === undefined) return ['created', content]
  if (state.outcome !== undefined || content.outcome === undefined) return ['unchanged', state]
  return ['settled', { identity: state.identity, outcome: content.outcome }]
}
