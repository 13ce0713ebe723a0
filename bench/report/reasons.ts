import type { Figure } from '../result.ts'

/** Why an aim is missed, as profiling has shown. It is printed beside every missed aim that it fits. */
export interface Reason {
  readonly trial: string
  /** Any, where left out. */
  readonly subject?: string
  readonly measure?: string
  /** Only cases with these values, if others differ in them. */
  readonly params?: Figure['params']
  readonly why: string
}

/** Written by hand, the first that fits counts. */
export const reasons: readonly Reason[] = []
