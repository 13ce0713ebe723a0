import type { Figure } from '../result.ts'

/** Why an aim is missed, as profiling has shown. It is printed beside every missed aim that it fits. */
export interface Reason {
  readonly trial: string
  /** Any, where left out. */
  readonly subject?: string
  readonly measure?: string
  /** Only cases with these values, if others differ in them. */
  readonly params?: Figure['params']
  readonly why: string
}

/** Written by hand, the first that fits counts. */
export const reasons: readonly Reason[] = [
  {
    trial: 'overhead',
    subject: 'memory',
    measure: 'added',
    params: { handler: 'empty' },
    why: 'It lies on the edge: other runs came to 2.4 or 2.6. What there is beside the floor is in the table of objects of the page on the hot path.',
  },
  {
    trial: 'overhead',
    subject: 'memory',
    measure: 'added',
    why: 'The handler does nothing but work in memory, in a few microseconds: an id, two clock readings, encoding the payload and one insertion, without any bus or record, are already more than 5 % of it. A handler that waits for a database is below.',
  },
  {
    trial: 'throughput',
    subject: 'sqlite',
    params: { inFlight: 256 },
    why: 'Half of the commands in flight make a group, whose rows lie on more pages each than those of a thousand; every write is looked up by its id first; and the rows go to the writing thread as copies.',
  },
  {
    trial: 'throughput',
    subject: 'sqlite',
    params: { inFlight: 1 },
    why: 'Beside the two commits there are the bus, a look whether the file is still in its place, and a turn of the event loop each.',
  },
  {
    trial: 'throughput',
    subject: 'postgres',
    params: { inFlight: 256 },
    why: 'The server is what is busy. An outcome changes columns that have indexes, so Postgres writes the row and all of its index entries anew; and every row is looked up first, where the driver by hand only inserts.',
  },
  {
    trial: 'throughput',
    subject: 'nats',
    why: 'Each message is published with an expectation, which the server checks; the driver by hand expects nothing. What else there may be has not been profiled.',
  },
  {
    trial: 'read',
    subject: 'postgres',
    measure: 'growth',
    why: 'A longer log is not in the 128 MB of the memory of the server: the driver by hand takes as much longer.',
  },
  {
    trial: 'read',
    subject: 'nats',
    measure: 'growth',
    params: { lookup: 'by id' },
    why: 'The server keeps the blocks of its files (8 MB) in memory for some seconds only, and reads one for nearly every random id of a long log. The client by hand takes as long where it asks first (5.3 ms); ids whose blocks are in memory took 1.2 times what they take in the smallest log.',
  },
  {
    trial: 'peers',
    subject: 'commandlog, Postgres',
    why: 'Two durable rows a command, each with all of its indexes, are what the server can do on these cores: see the ratio to the raw driver in the throughput trial. With one write a command it is twice as much.',
  },
  {
    trial: 'peers',
    subject: 'commandlog, Postgres, one write',
    why: 'It lies on the edge: half of the rounds reach it.',
  },
]
