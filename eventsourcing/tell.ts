/** Tells a listener, who can neither fail a command nor end the process: what it throws, or rejects with, goes nowhere. */
export function tell(listener: ((error: unknown) => unknown) | undefined, error: unknown): void {
  void (async () => await listener?.(error))().catch(() => undefined)
}
