/** Of several processes that make the same thing the first one wins, and the others go on with that. */
export function unlessThere(make: () => void): void {
  try {
    make()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error
  }
}
