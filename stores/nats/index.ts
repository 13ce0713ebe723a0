export type { NatsLink } from './driver.ts'
export { type NatsStore, natsStore } from './nats-store.ts'
export type { NatsStoreOptions } from './options.ts'
