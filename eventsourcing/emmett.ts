export { type EmmettCommandOf, type EmmettFunctions, emmettDecider } from './emmett/emmett-decider.ts'
export { type AnyEmmettStore, type EmmettStoreOptions, emmettEventStore } from './emmett/emmett-event-store.ts'
