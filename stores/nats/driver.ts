import type { MsgHdrs } from '@nats-io/transport-node'

/** What is used of a message. */
export interface NatsMessage {
  readonly subject: string
  readonly reply?: string | undefined
  readonly data: Uint8Array
  readonly headers?: { readonly code: number; readonly description: string; get(name: string): string } | undefined
}

/** What is used of what `connect()` gives: the slice that a borrowed connection must have. */
export interface NatsLink {
  readonly info?: { readonly version: string; readonly max_payload: number; readonly headers?: boolean } | undefined
  publish(
    subject: string,
    payload?: Uint8Array,
    options?: { readonly reply?: string; readonly headers?: MsgHdrs },
  ): void
  request(
    subject: string,
    payload?: Uint8Array | string,
    options?: { timeout: number; headers?: MsgHdrs },
  ): Promise<NatsMessage>
  requestMany(
    subject: string,
    payload: Uint8Array | string,
    options: { strategy: 'timer'; maxWait: number; noMux: boolean },
  ): Promise<AsyncIterable<NatsMessage>>
  status(): AsyncIterable<{ readonly type: string }>
  isClosed(): boolean
  close(): Promise<void>
}
