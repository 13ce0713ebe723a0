import { AssertionError } from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { type Fence, fencesOf, linksOf } from './markdown.ts'
import { cacheFolder, manifest, root, run, tool, withFolder } from './project.ts'

/** A statement of a document that does not hold. */
export interface DocFault {
  /** Document and line. */
  readonly at: string
  readonly problem: string
}

/** What a document shows as one program: a `ts` fence and those that continue it. */
interface Program {
  readonly document: string
  readonly line: number
  /** Each fence stands at its line of the document, so that a compiler's line numbers are the document's. */
  source: string
  /** The project's file that the fence is a copy of; it is run in the fence's place. */
  readonly file: string | undefined
  readonly isRun: boolean
  expected: string | undefined
}

/** Spellings that would slip past the checks. */
const misspelt: Readonly<Record<string, string>> = {
  typescript: 'ts',
  js: 'ts',
  javascript: 'ts',
  mts: 'ts',
  tsx: 'ts',
  bash: 'sh',
  shell: 'sh',
  zsh: 'sh',
}

const placeholders: Readonly<Record<string, string>> = {
  '<id>': '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  '<ms>': String.raw`\d+(?:\.\d+)?`,
  '<time>': String.raw`(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(?:\.\d+)?Z?`,
}

/**
 * Everything in these documents that does not hold: programs that fail to compile or to run or print something else,
 * copies of files that are out of date, links to missing files, npm scripts that do not exist. Paths are relative to
 * `folder`.
 */
export async function docFaults(folder: string, documents: readonly string[]): Promise<DocFault[]> {
  const faults: DocFault[] = []
  const programs: Program[] = []
  for (const document of documents) {
    const markdown = readFileSync(join(folder, document), 'utf8')
    try {
      faults.push(...linkFaults(folder, document, markdown), ...scriptFaults(document, markdown))
      programs.push(...programsOf(document, fencesOf(markdown)))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      faults.push({ at: document, problem: error.message })
    }
  }
  faults.push(...programs.flatMap((program) => copyFaults(folder, program)))
  return [...faults, ...(await programFaults(folder, programs))]
}

/** The actual text with `<id>`, `<ms>` and `<time>` put in wherever the expected text has them and something fits. */
export function withPlaceholders(actual: string, expected: string): string {
  const wanted = expected.split('\n')
  const lines = actual.split('\n').map((line, index) => {
    const pattern = wanted[index] ?? ''
    return linePattern(pattern).test(line) ? pattern : line
  })
  return lines.join('\n')
}

function linePattern(expected: string): RegExp {
  const parts = expected.split(/(<(?:id|ms|time)>)/)
  return new RegExp(`^${parts.map((part) => placeholders[part] ?? escaped(part)).join('')}$`)
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function programsOf(document: string, fences: readonly Fence[]): Program[] {
  const programs: Program[] = []
  for (const [index, { language, marks, line, body }] of fences.entries()) {
    const right = misspelt[language]
    if (right !== undefined) throw new SyntaxError(`Line ${line - 1}: write ${right}, not ${language}`)
    if (language !== 'ts') continue
    const output = fences[index + 1]
    const expected = output?.language === 'text' || output?.language === 'console' ? output.body : undefined
    const last = programs.at(-1)
    if (marks.includes('continued')) {
      if (last === undefined) throw new SyntaxError(`Line ${line - 1}: there is nothing to continue`)
      last.source = placed(last.source, body, line)
      if (expected !== undefined) last.expected = [last.expected, expected].filter(Boolean).join('\n')
      continue
    }
    const file = marks.find((mark) => mark.startsWith('file='))?.slice('file='.length)
    programs.push({ document, line, source: placed('', body, line), file, isRun: !marks.includes('no-run'), expected })
  }
  return programs
}

function placed(before: string, body: string, line: number): string {
  const lines = before.split('\n')
  return before + '\n'.repeat(Math.max(0, line - lines.length)) + body
}

function copyFaults(folder: string, { document, line, source, file }: Program): DocFault[] {
  if (file === undefined) return []
  const at = `${document}:${line}`
  const path = join(folder, file)
  if (!existsSync(path)) return [{ at, problem: `${file} does not exist` }]
  const content = readFileSync(path, 'utf8')
  return content.trim() === source.trim()
    ? []
    : [{ at, problem: differenceOf(source.trim(), content.trim(), `is not ${file}`) }]
}

function linkFaults(folder: string, document: string, markdown: string): DocFault[] {
  const broken = linksOf(markdown).filter(({ path }) => {
    const target = path.startsWith('/') ? join(folder, path) : join(folder, dirname(document), path)
    return !existsSync(target) || relative(folder, target).startsWith('..')
  })
  return broken.map(({ line, path }) => ({ at: `${document}:${line}`, problem: `${path} does not exist` }))
}

function scriptFaults(document: string, markdown: string): DocFault[] {
  const { scripts } = manifest()
  return markdown.split('\n').flatMap((text, index) => {
    const named = Array.from(
      text.matchAll(/\bnpm (?:run ([\w:.-]+)|(test|start))\b/g),
      ([, run, short]) => run ?? short ?? '',
    )
    const missing = named.filter((name) => !(name in scripts))
    return missing.map((name) => ({ at: `${document}:${index + 1}`, problem: `package.json has no script ${name}` }))
  })
}

async function programFaults(folder: string, programs: readonly Program[]): Promise<DocFault[]> {
  return await withFolder(cacheFolder(), async (work) => {
    const written = programs.map((program, index) => {
      const path = join(work, `${index}.ts`)
      if (program.file === undefined) writeFileSync(path, program.source)
      return { program, path: program.file === undefined ? path : join(folder, program.file) }
    })
    const faults = await typeFaults(work, programs)
    const queue = written.filter(({ program, path }) => program.isRun && existsSync(path)).values()
    const worker = async (): Promise<void> => {
      // Workers share the iterator: each program is run once, by whoever is free.
      for (const { program, path } of queue) faults.push(...(await runFaults(program, path, work)))
    }
    // Programs also wait, for servers and limits: one more than there are processors.
    await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker))
    return faults
  })
}

/** Copies of files are compiled with the project; everything else is compiled here, in one go. */
async function typeFaults(work: string, programs: readonly Program[]): Promise<DocFault[]> {
  if (programs.every(({ file }) => file !== undefined)) return []
  const compilerOptions = {
    declaration: false,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
  const config = { extends: relative(work, join(root, 'tsconfig.json')), compilerOptions, include: ['*.ts'] }
  writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config))
  const { code, stdout } = await run(tool('tsc'), ['--project', '.', '--pretty', 'false'], { cwd: work })
  const found = Array.from(stdout.matchAll(/^(\d+)\.ts\((\d+),\d+\): (.*)$/gm), ([, index, line, problem = '']) => {
    return { at: `${programs[Number(index)]?.document}:${line}`, problem }
  })
  return code !== 0 && found.length === 0 ? [{ at: 'tsc', problem: stdout }] : found
}

async function runFaults({ document, line, expected }: Program, path: string, cwd: string): Promise<DocFault[]> {
  const at = `${document}:${line}`
  const { code, stdout, stderr } = await run(process.execPath, ['--conditions=commandlog-source', path], { cwd })
  if (code !== 0) return [{ at, problem: `ended with ${code}: ${stderr.trim()}` }]
  if (expected === undefined) return []
  const wanted = expected.trimEnd()
  const printed = withPlaceholders(stdout.trimEnd(), wanted)
  return printed === wanted ? [] : [{ at, problem: differenceOf(printed, wanted, 'prints something else') }]
}

function differenceOf(actual: string, expected: string, what: string): string {
  const { message } = new AssertionError({ actual, expected, operator: 'strictEqual' })
  return `${what}: ${message}`
}
