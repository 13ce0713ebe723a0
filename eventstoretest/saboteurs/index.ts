import { appending } from './appending.ts'
import { reading } from './reading.ts'
import type { EventSaboteur } from './saboteur.ts'

/** Event stores that break one rule each. */
export const eventSaboteurs: readonly EventSaboteur[] = [...appending, ...reading]
