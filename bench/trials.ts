import type { Trial } from './trial.ts'
import { allocation } from './trials/allocation.ts'
import { codec } from './trials/codec.ts'
import { codecThroughStore } from './trials/codec-store.ts'
import { follow } from './trials/follow.ts'
import { overhead } from './trials/overhead.ts'
import { payload } from './trials/payload.ts'
import { purge } from './trials/purge.ts'
import { read } from './trials/read.ts'
import { throughput } from './trials/throughput.ts'

/** All of them, in the order in which they are measured. */
export const trials: readonly Trial[] = [
  allocation,
  overhead,
  throughput,
  payload,
  read,
  follow,
  purge,
  codec,
  codecThroughStore,
]
