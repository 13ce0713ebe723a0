import type { Case, Plan } from './trial.ts'

/** Where progress is shown. */
export interface Screen {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const lineEveryMs = 5000
const paintEveryMs = 100

/** What is under way and how long the rest will take: one line that changes on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #screen: Screen
  readonly #openings = new Map<Plan, number>()
  readonly #cases = new Map<Case, { left: number; expectedMs: number }>()
  #expected = 0
  #taken = 0
  #shownAt = Number.NEGATIVE_INFINITY
  #hasLine = false

  constructor(plans: readonly Plan[], screen: Screen) {
    this.#screen = screen
    for (const plan of plans) {
      if (plan.openMs !== undefined) this.#openings.set(plan, plan.openMs)
      const left = plan.rounds + plan.warmup
      for (const each of plan.cases) this.#cases.set(each, { left, expectedMs: each.expectedMs })
    }
  }

  /** How long all that is planned and not yet done is expected to take. */
  get leftMs(): number {
    let left = 0
    for (const ms of this.#openings.values()) left += ms
    for (const { left: rounds, expectedMs } of this.#cases.values()) left += rounds * expectedMs
    // What nobody has measured yet is as far off as what was measured.
    return left * (this.#expected === 0 ? 1 : Math.min(3, Math.max(0.3, this.#taken / this.#expected)))
  }

  opened(plan: Plan, ms: number): void {
    this.#expected += this.#openings.get(plan) ?? ms
    this.#taken += ms
    this.#openings.delete(plan)
  }

  measured(each: Case, ms: number): void {
    const known = this.#cases.get(each)
    if (known === undefined) return
    this.#expected += known.expectedMs
    this.#taken += ms
    known.left--
  }

  /** Something long begins. */
  say(text: string): void {
    if (this.#screen.isTTY) this.#paint(text)
    else this.#screen.write(`${text}\n`)
  }

  /** A case begins: shown now and then. */
  step(text: string, { subject, params }: Case): void {
    const now = performance.now()
    if (now - this.#shownAt < (this.#screen.isTTY ? paintEveryMs : lineEveryMs)) return
    this.#shownAt = now
    const left = `${timeText(this.leftMs)} left`
    if (this.#screen.isTTY) this.#paint(`${text}, ${left}: ${subject} ${Object.values(params).join(' ')}`)
    else this.#screen.write(`${text}, ${left}\n`)
  }

  /** Leaves no half line behind. */
  end(): void {
    if (this.#hasLine) this.#screen.write('\r\x1b[K')
    this.#hasLine = false
  }

  #paint(text: string): void {
    this.#hasLine = true
    this.#screen.write(`\r\x1b[K${text.slice(0, (this.#screen.columns ?? 80) - 1)}`)
  }
}

/** In words, roughly. */
export function timeText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000))
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}
