/** A line on the terminal that says which check runs. Nothing where stderr is no terminal. */
export function newProgressLine() {
  const isTerminal = process.stderr.isTTY === true
  return {
    show(name: string, index: number, total: number): void {
      if (isTerminal) process.stderr.write(`\r\u001b[K${index + 1}/${total} ${name}`)
    },
    clear(): void {
      if (isTerminal) process.stderr.write('\r\u001b[K')
    },
  }
}
