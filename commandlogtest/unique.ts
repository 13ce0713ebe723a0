import { randomUUID } from 'node:crypto'

const own = randomUUID().replaceAll('-', '').slice(0, 9)
let used = 0

/** A text that nobody used before: letters and digits only, so that any store can take it as a name. */
export function unique(): string {
  return `q${own}${(used++).toString(36)}`
}

/** Whether an id holds such a text, of this process or another: what the suite has written, now or earlier. */
export function isOfSuite(id: string): boolean {
  return /q[0-9a-f]{9}[0-9a-z]+\./i.test(id)
}

/** A text as people like to read it: without what only makes it unlike those of other processes. */
export function shortened(text: string): string {
  return text.replaceAll(`q${own}`, 'q')
}
