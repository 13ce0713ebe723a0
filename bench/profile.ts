import { mkdir, writeFile } from 'node:fs/promises'
import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CommandLogStore } from '../src/index.ts'
import { type StoreSubject, withFolder } from './store-subjects.ts'
import { table } from './table.ts'
import { auditedOrders } from './typical-command.ts'

/** Where profiles go, and how long each is taken. */
export interface ProfileOptions {
  readonly folder: string
  readonly ms: number
  say(text: string): void
}

const inFlight = 64
const topCount = 25
/** Bytes between two samples of the allocation profile. */
const samplingInterval = 1024
const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Takes a CPU and an allocation profile of commands in write-ahead on every store, writes them as files that the tools of
 * Chrome open, and says which functions are at the top.
 */
export async function profileCommands(stores: readonly StoreSubject[], options: ProfileOptions): Promise<void> {
  await mkdir(options.folder, { recursive: true })
  const session = new Session()
  session.connect()
  for (const subject of stores) {
    const cpu = await profiled(subject, options.ms, {
      async start() {
        await session.post('Profiler.enable')
        await session.post('Profiler.start')
      },
      stop: async () => (await session.post('Profiler.stop')).profile,
    })
    await writeFile(join(options.folder, `${subject.name}.cpuprofile`), JSON.stringify(cpu.profile))
    options.say(`\n${subject.name}: time by function, ${inFlight} in flight, write-ahead\n\n${timeTable(cpu.profile)}`)
    const heap = await profiled(subject, options.ms, {
      async start() {
        // What is garbage already counts too: it is most of what a command allocates.
        const garbage = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true }
        await session.post('HeapProfiler.startSampling', { samplingInterval, ...garbage })
      },
      stop: async () => (await session.post('HeapProfiler.stopSampling')).profile,
    })
    await writeFile(join(options.folder, `${subject.name}.heapprofile`), JSON.stringify(heap.profile))
    options.say(`\n${subject.name}: bytes by function, per command\n\n${bytesTable(heap.profile, heap.commands)}`)
  }
  session.disconnect()
}

interface Recorder<Profile> {
  start(): Promise<void>
  stop(): Promise<Profile>
}

async function profiled<Profile>(
  subject: StoreSubject,
  ms: number,
  recorder: Recorder<Profile>,
): Promise<{ readonly profile: Profile; readonly commands: number }> {
  return await withFolder(subject, async (folder) => {
    const { store, close } = await subject.open(folder)
    await sendFor(store, ms / 4)
    await recorder.start()
    const commands = await sendFor(store, ms)
    const profile = await recorder.stop()
    await close()
    return { profile, commands }
  })
}

async function sendFor(store: CommandLogStore, ms: number): Promise<number> {
  const orders = auditedOrders(store)
  const end = performance.now() + ms
  let sent = 0
  const sender = async (): Promise<void> => {
    while (performance.now() < end) {
      await orders.sendNext()
      sent++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, sender))
  await orders.close()
  return sent
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

function timeTable({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const times = new Map<string, number>()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const micros = timeDeltas[index] ?? 0
    const node = byId.get(id)
    if (node === undefined || isNoWork(node.callFrame)) continue
    total += micros
    add(times, nameOf(node.callFrame), micros)
  }
  const rows = top(times).map(([name, micros]) => [name, `${((100 * micros) / total).toFixed(1)} %`])
  return table(['function', 'of the time'], rows)
}

/** Waiting, and the taking of the profile itself. */
function isNoWork({ functionName, url }: CallFrame): boolean {
  return functionName === '(idle)' || url === 'node:inspector'
}

function bytesTable({ head }: HeapProfiler.SamplingHeapProfile, commands: number): string {
  const bytes = new Map<string, number>()
  const visit = ({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): void => {
    add(bytes, nameOf(callFrame), selfSize)
    for (const child of children) visit(child)
  }
  visit(head)
  const all = [...bytes.values()].reduce((sum, each) => sum + each, 0)
  const rows = [['all', all] as const, ...top(bytes)].map(([name, each]) => [name, (each / commands).toFixed(0)])
  return table(['function', 'bytes'], rows)
}

function top(figures: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...figures].sort(([, a], [, b]) => b - a).slice(0, topCount)
}

function add(figures: Map<string, number>, name: string, figure: number): void {
  figures.set(name, (figures.get(name) ?? 0) + figure)
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const file = url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url
  return `${name} ${file}:${lineNumber + 1}`
}
