/** What kind of value came, without quoting it: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null || Array.isArray(value)) return value === null ? 'null' : 'an array'
  if (value instanceof Promise) return 'a promise: await it'
  return value === undefined ? 'nothing' : `a value of type ${typeof value}`
}
