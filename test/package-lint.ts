import { tmpdir } from 'node:os'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { bytesOf, pack, type Tarball } from './pack.ts'
import { entryPoints, run, tool, withFolder } from './project.ts'

/** What publint holds against the packed package; its mildest suggestions count too. */
export async function publintFindings(tarball: Tarball): Promise<string[]> {
  const { messages, pkg } = await publint({ pack: { tarball: bytesOf(tarball) }, strict: true, level: 'suggestion' })
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
}

/** What are-the-types-wrong holds against it. Its profile leaves out what only CommonJS programs would meet. */
export async function typesFindings({ path }: Tarball): Promise<string[]> {
  const { code, stdout, stderr } = await run(tool('attw'), [path, '--profile', 'esm-only', '--no-color', '--no-emoji'])
  return code === 0 ? [] : [`${stdout}${stderr}`.trim()]
}

/** Packs, looks, and prints what a person wants to know. */
async function report(folder: string): Promise<void> {
  const tarball = await pack(folder)
  const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`
  const { size, unpackedSize, files } = tarball
  console.log(`packed ${files.length} files: ${kib(size)}, unpacked ${kib(unpackedSize)}`)
  const results = { publint: await publintFindings(tarball), 'are-the-types-wrong': await typesFindings(tarball) }
  for (const [name, findings] of Object.entries(results)) {
    console.log(
      `${name}: ${findings.length === 0 ? `nothing wrong in ${entryPoints().length} entry points` : 'failed'}`,
    )
    for (const finding of findings) console.log(`  ${finding.replaceAll('\n', '\n  ')}`)
    if (findings.length > 0) process.exitCode = 1
  }
}

if (import.meta.main) await withFolder(tmpdir(), report)
