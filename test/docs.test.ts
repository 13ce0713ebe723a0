import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { docFaults, withPlaceholders } from './docs.ts'
import { fencesOf, linksOf } from './markdown.ts'
import { cacheFolder, projectFiles, root, withFolder } from './project.ts'

test('everything in the documents holds', async () => {
  const documents = projectFiles('**/*.md')
  assert.ok(documents.includes('README.md'))
  assert.deepEqual(await docFaults(root, documents), [])
})

test('a good document has no fault: programs run, continue each other, print what is shown, links lead somewhere', async () => {
  const faults = await faultsOf(`
# Title

See [the example](examples/hello.ts#L1), [elsewhere](https://example.org/x), [here](#title), \`[no](link.md)\`.

\`\`\`ts
import { uuidv7 } from 'commandlog'
const id: string = uuidv7()
console.log('made', id)
\`\`\`

\`\`\`text
made <id>
\`\`\`

\`\`\`ts continued
console.log(id.length, 'in', performance.now(), 'ms')
\`\`\`

\`\`\`console
36 in <ms> ms
\`\`\`

- Programs in lists too:

  \`\`\`ts file=examples/hello.ts
  console.log('hello')
  \`\`\`

  \`\`\`text
  hello
  \`\`\`

\`\`\`ts no-run
throw new Error('needs a server')
\`\`\`

\`\`\`sh
npm ci && npm test
npm run check
\`\`\`
`)
  assert.deepEqual(faults, [])
})

test('a program that prints something else is a fault, and the difference is shown', async () => {
  const [fault, ...more] = await faultsOf("```ts\nconsole.log('one')\n```\n\n```text\ntwo\n```\n")
  assert.deepEqual(more, [])
  assert.equal(fault?.at, 'guide.md:2')
  assert.match(fault.problem, /^prints something else: [\s\S]*one[\s\S]*two/)
})

test('a program that prints more than is shown is a fault', async () => {
  const faults = await faultsOf(
    "```ts\nconsole.log('one')\n```\n```text\none\n```\n```ts continued\nconsole.log('two')\n```\n",
  )
  assert.deepEqual(
    faults.map(({ at }) => at),
    ['guide.md:2'],
  )
})

test('a type error is a fault at its line of the document, in continued fences too', async () => {
  const faults = await faultsOf(
    "Text.\n\n```ts\nconst id: string = 'a'\n```\n\nText.\n\n```ts continued\nconst size: number = id\n```\n",
  )
  assert.deepEqual(faults, [
    { at: 'guide.md:10', problem: "error TS2322: Type 'string' is not assignable to type 'number'." },
  ])
})

test('a misused export of the package is a type error', async () => {
  const faults = await faultsOf(
    "```ts no-run\nimport { CommandBus } from 'commandlog'\nnew CommandBus().send('x')\n```\n",
  )
  assert.deepEqual(
    faults.map(({ at }) => at),
    ['guide.md:3'],
  )
})

test('a program that throws is a fault', async () => {
  const [fault] = await faultsOf("```ts\nthrow new Error('broken')\n```\n")
  assert.match(fault?.problem ?? '', /^ended with 1: [\s\S]*broken/)
})

test('a link to a missing file, or out of the project, is a fault', async () => {
  const faults = await faultsOf('[a](missing.md#part)\n\n![b](../../package.json)\n\n[c]: gone/too.md\n')
  assert.deepEqual(faults, [
    { at: 'guide.md:1', problem: 'missing.md does not exist' },
    { at: 'guide.md:3', problem: '../../package.json does not exist' },
    { at: 'guide.md:5', problem: 'gone/too.md does not exist' },
  ])
})

test('a copy of a file that is out of date, or of a missing file, is a fault', async () => {
  const faults = await faultsOf(
    "```ts file=examples/hello.ts\nconsole.log('hullo')\n```\n\n```ts file=examples/gone.ts\nconsole.log(1)\n```\n",
  )
  assert.deepEqual(
    faults.map(({ at, problem }) => [at, problem.split(':', 1)[0]]),
    [
      ['guide.md:2', 'is not examples/hello.ts'],
      ['guide.md:6', 'examples/gone.ts does not exist'],
    ],
  )
})

test('an npm script that does not exist is a fault', async () => {
  const faults = await faultsOf('```sh\nnpm ci\nnpm run dance\n```\n')
  assert.deepEqual(faults, [{ at: 'guide.md:3', problem: 'package.json has no script dance' }])
})

test('a fence that would slip past the checks is a fault', async () => {
  for (const [markdown, problem] of [
    ['```js\nlet x\n```\n', 'Line 1: write ts, not js'],
    ['```bash\nls\n```\n', 'Line 1: write sh, not bash'],
    ['```ts continued\nlet x\n```\n', 'Line 1: there is nothing to continue'],
    ['text\n```ts\nlet x\n', 'The fence of line 2 is never closed'],
  ] as const) {
    assert.deepEqual(await faultsOf(markdown), [{ at: 'guide.md', problem }])
  }
})

test('placeholders stand for ids, durations and times, and for nothing else', () => {
  const id = '0193a5b2-7c1d-7000-8000-0123456789ab'
  const actual = `a ${id}\nb 12.5 ms\nc 2025-01-31T10:11:12.345Z\nd 10:11:12\ne ${id} f`
  assert.equal(
    withPlaceholders(actual, 'a <id>\nb <ms> ms\nc <time>\nd <time>\ne <id> g'),
    `a <id>\nb <ms> ms\nc <time>\nd <time>\ne ${id} f`,
  )
  assert.equal(withPlaceholders('order-1', '<id>'), 'order-1')
  assert.equal(withPlaceholders('soon', '<ms>'), 'soon')
})

test('fences keep their line, marks and indented content', () => {
  assert.deepEqual(fencesOf('a\n\n  ```ts x y=z\n  one\n    two\n  ```\n````md\n```ts\n```\n````\n'), [
    { line: 4, language: 'ts', marks: ['x', 'y=z'], body: 'one\n  two' },
    { line: 8, language: 'md', marks: [], body: '```ts\n```' },
  ])
})

test('links in code are no links', () => {
  assert.deepEqual(linksOf('```md\n[a](b.md)\n```\n`[c](d.md)` [e](f%20g.md "title") <https://example.org>\n'), [
    { line: 4, path: 'f g.md' },
  ])
})

async function faultsOf(markdown: string): ReturnType<typeof docFaults> {
  return await withFolder(cacheFolder(), async (folder) => {
    mkdirSync(join(folder, 'examples'))
    writeFileSync(join(folder, 'examples', 'hello.ts'), "console.log('hello')\n")
    writeFileSync(join(folder, 'guide.md'), markdown)
    return await docFaults(folder, ['guide.md'])
  })
}
