import { show } from './show.ts'

/** What is said of a violation beyond its sentence. */
export interface ViolationDetails {
  readonly expected?: string
  readonly actual?: string
  /** A call did not settle: trying again would only wait again. */
  readonly isHang?: boolean
}

/** A broken rule, found. Thrown by checks; the runner adds the rule, the seed and the counter-example. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly expected: string | undefined
  readonly actual: string | undefined
  readonly isHang: boolean
  constructor(message: string, { expected, actual, isHang = false }: ViolationDetails = {}) {
    super(message)
    this.expected = expected
    this.actual = actual
    this.isHang = isHang
  }
}

/** Thrown by a check that cannot be shown on this store. Not a failure: the certificate names it with its reason. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** Breaks off with a violation unless the two are the same, compared as they are printed. */
export function expectSame(message: string, actual: unknown, expected: unknown): void {
  const [shownActual, shownExpected] = [show(actual), show(expected)]
  if (shownActual !== shownExpected) throw new Violation(message, { expected: shownExpected, actual: shownActual })
}

/** Breaks off with a violation unless this holds. */
export function expectTrue(holds: boolean, message: string, details?: ViolationDetails): void {
  if (!holds) throw new Violation(message, details)
}
