import { spawn } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root: string = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** What the tests read of `package.json`. */
export interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The project's `package.json`. */
export function manifest(): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/** The exports map's entries that are code, as `[specifier, targets]`: `['commandlog/memory', { default: … }]`. */
export function entryPoints(): (readonly [string, Readonly<Record<string, string>>])[] {
  const { name, exports } = manifest()
  return Object.entries(exports).flatMap(([subpath, targets]) =>
    typeof targets === 'string' ? [] : [[name + subpath.slice(1), targets] as const],
  )
}

/** Files of the project by pattern, relative, sorted; neither installed nor built nor hidden ones. */
export function projectFiles(pattern: string): string[] {
  return globSync(pattern, { cwd: root, exclude: ['**/node_modules', 'dist', '.*'] }).sort()
}

/** A command of a development dependency. */
export function tool(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}

/** Folders of the project's own are ignored by git, and from within them the package finds itself by name. */
export function cacheFolder(): string {
  const folder = join(root, '.cache')
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Gives a new folder below `parent` to `use`, and removes it afterwards. */
export async function withFolder<T>(
  parent: string,
  use: (folder: string) => Promise<T>,
  prefix = 'commandlog-',
): Promise<T> {
  const folder = mkdtempSync(join(realpathSync(parent), prefix))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a finished process left. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How `run` starts a process. */
export interface RunOptions {
  readonly cwd?: string
  /** Milliseconds until it is killed; default one minute. */
  readonly timeout?: number
}

/** Runs a program to its end, without input, and never throws for its exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { cwd = root, timeout = 60_000 } = options
  const child = spawn(command, args, { cwd, timeout, env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  const code = await promise
  return { code, stdout, stderr }
}

/** Like `run`, but anything other than exit code 0 is an error that shows what was printed. */
export async function runToSuccess(command: string, args: readonly string[], options?: RunOptions): Promise<Finished> {
  const finished = await run(command, args, options)
  if (finished.code === 0) return finished
  throw new Error(
    `${command} ${args.join(' ')} ended with ${finished.code}\n${finished.stdout}\n${finished.stderr}`.trim(),
  )
}

const foreign =
  /^npm_(package|lifecycle|config_local_prefix|config_json)|^(NODE_TEST_CONTEXT|NODE_OPTIONS|FORCE_COLOR)$/

/**
 * The environment without what would make a child behave differently under `npm test` than by itself: the outer npm's
 * idea of its project, the outer test runner's channel, and colours.
 */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (!foreign.test(name)) env[name] = value
  }
  env.NO_COLOR = '1'
  // Scripts of packages must run on the Node that runs the tests.
  env.PATH = dirname(process.execPath) + delimiter + process.env.PATH
  return env
}
