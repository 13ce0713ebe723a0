import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { run, runToSuccess } from '../project.ts'
import type { DiskOperation } from './disk.ts'

/** What is watched. Those that the model does not know are watched so that a program which uses them is refused. */
const calls = [
  ...['pwrite64', 'write', 'fsync', 'fdatasync', 'ftruncate', 'unlink'],
  ...['unlinkat', 'rename', 'renameat', 'renameat2', 'writev', 'pwritev', 'pwritev2', 'fallocate', 'sync_file_range'],
]

/** No write may be longer: strace would cut it off. */
const longest = 1_000_000

/** Why nothing can be traced here; undefined where it can. */
export async function whyNoStrace(): Promise<string | undefined> {
  try {
    await run('strace', ['--version'])
    return undefined
  } catch {
    return 'strace is missing: install it (apt-get install strace, dnf install strace, apk add strace)'
  }
}

/**
 * Runs a program of this project and gives back what it did to the files in a folder and said on its stdout, in the order
 * in which the calls of all its threads ended: a thread that says something because of another's call says it after that.
 */
export async function traced(folder: string, traceFile: string, program: readonly string[]): Promise<DiskOperation[]> {
  const options = ['-f', '-y', '-xx', '-s', String(longest), '-o', traceFile, '-e', `trace=${calls.join()}`]
  await runToSuccess('strace', [...options, process.execPath, '--conditions=commandlog-source', ...program])
  const lines = readFileSync(traceFile, 'latin1').split('\n')
  return whole(lines).flatMap((line) => operationOf(line, folder) ?? [])
}

/** Calls that another thread's came in between are in two lines: put together where they ended. */
function whole(lines: readonly string[]): string[] {
  const begun = new Map<string, string>()
  return lines.flatMap((line) => {
    const [, thread = '', call = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const [, begin] = /^(.*) <unfinished \.\.\.>$/.exec(call) ?? []
    if (begin !== undefined) {
      begun.set(thread, begin)
      return []
    }
    const [, end] = /^<\.\.\. \w+ resumed>(.*)$/.exec(call) ?? []
    return end === undefined ? [call] : [(begun.get(thread) ?? '') + end]
  })
}

/** A call that did something: its file by number or name, bytes, two numbers, and what it answered. */
const pattern =
  /^(?<name>\w+)\((?:(?<number>\d+)<(?<file>[^>]*)>|"(?<named>[^"]*)")(?:, "(?<bytes>[^"]*)"(?<cut>\.\.\.)?)?(?:, (?<first>\d+))?(?:, (?<second>\d+))?\) += (?<answer>\d+)/

function operationOf(line: string, folder: string): DiskOperation | undefined {
  const found = pattern.exec(line)?.groups
  const isOurs = line.includes(hexOf(folder)) && !/-shm/.test(textOf(found?.file ?? ''))
  if (found === undefined) {
    if (isOurs && !/\) += -1 /.test(line)) throw new Error(`A call that the model does not know: ${line.slice(0, 300)}`)
    return undefined
  }
  const { name = '', number, file, named, bytes = '', cut, first, second, answer } = found
  if (number === '1' && name === 'write') return { kind: 'said', text: textOf(bytes) }
  if (!isOurs) return undefined
  if (cut !== undefined) throw new Error(`A write of more than ${longest} bytes`)
  const path = textOf(file ?? named ?? '')
  switch (name) {
    case 'pwrite64':
      return { kind: 'write', path, offset: Number(second), bytes: bytesOf(bytes).subarray(0, Number(answer)) }
    case 'ftruncate':
      return { kind: 'resize', path, size: Number(first) }
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path }
    case 'unlink':
      return { kind: 'unlink', path }
    default:
      throw new Error(`A call that the model does not know: ${name} of ${path}`)
  }
}

function hexOf(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
}

function textOf(hex: string): string {
  return bytesOf(hex).toString()
}
