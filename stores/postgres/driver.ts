/** What is used of a query of the `postgres` package. */
export interface PostgresQuery extends PromiseLike<readonly object[]> {}

/** What is used of what `postgres()` gives: the slice that a borrowed one must have. */
export interface PostgresSql {
  unsafe(
    query: string,
    parameters?: (string | number | null)[],
    options?: { readonly prepare?: boolean },
  ): PostgresQuery
  listen(channel: string, onNotify: (value: string) => void): Promise<{ unlisten(): Promise<void> }>
  end(options?: { readonly timeout?: number }): Promise<void>
}
