/** Where so many own intents wait for their outcomes, those of the oldest are read first. */
const mostRemembered = 100_000

/** What is known without reading: where the intents are that were written here and have no outcome yet. */
export class Intents {
  readonly #places = new Map<string, number>()

  placeOf(id: string): number | undefined {
    return this.#places.get(id)
  }

  remember(id: string, seq: number): void {
    this.#places.set(id, seq)
    if (this.#places.size <= mostRemembered) return
    const [oldest] = this.#places.keys()
    if (oldest !== undefined) this.#places.delete(oldest)
  }

  forget(id: string): void {
    this.#places.delete(id)
  }
}
