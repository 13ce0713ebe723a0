/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** A JSON object; an `undefined` member counts as absent. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}
