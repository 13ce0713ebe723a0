import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { cacheFolder, root, run, tool, withFolder } from '../test/project.ts'

const program = `import { CommandBus, defineCommand } from 'commandlog'
const greet = defineCommand<'greet', string>('greet', { scope: 'tenant' })
const bus = new CommandBus()
bus.register(greet, () => 'hello')
bus.register('greet', () => 'hello')
bus.register(greet, () => ({ events: ['greeted'] }))
await bus.send(greet('Ada'))
`

test('Given the commonest mistakes, when compiled, then the first line or the last of each message tells what is wrong', async () => {
  const messages = await withFolder(cacheFolder(), async (folder) => {
    writeFileSync(join(folder, 'program.ts'), program)
    const config = { extends: relative(folder, join(root, 'tsconfig.json')), include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const { stdout } = await run(tool('tsc'), ['--project', '.', '--pretty', 'false'], { cwd: folder })
    return stdout.split(/^program\.ts/m).slice(1)
  })
  const expected = [
    /^\(4,27\): .*'string' is not assignable to type 'void \| Decision<unknown>/,
    /^\(5,29\): .*'string' is not assignable to type 'void \| Decision<unknown>/,
    /^\(6,.* 'string' is not assignable to type 'EventRef'\.\n$/s,
    /^\(7,16\): .*'\[needsTenantIdOrUserId\]' are incompatible\.\n +Type '"tenant"'/s,
  ]
  assert.equal(messages.length, expected.length, messages.join(''))
  for (const [index, pattern] of expected.entries()) assert.match(messages[index] ?? '', pattern)
})
