import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { cacheFolder, run, withFolder } from '../../test/project.ts'
import { natsServer } from '../../test/servers/nats.ts'
import { outcomeOf } from '../../test/stores/outcome.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { natsStore } from './index.ts'
import { recordSubject } from './schema.ts'

const page = readFileSync(new URL('../../docs/nats.md', import.meta.url), 'utf8')
const fences = [...page.matchAll(/^ *```(\w+).*\n([\s\S]*?)^ *```/gm)].map(([, kind = '', body = '']) => ({
  kind,
  body,
}))
const fenceWith = (text: string): string => fences.find(({ body }) => body.includes(text))?.body ?? ''

describe('the page about NATS', { timeout: 30_000 }, () => {
  test('Given the names of the page, then the subjects are those that it shows', () => {
    const names = ['0199e0d0-5b3c-7000-8000-000000000001', 'order.17', '>', 'ä'.repeat(100)]
    const subjects = names.map((name) => `${recordSubject('commandlog', name)}\n`)
    assert.equal(subjects.join(''), fences.find(({ kind, body }) => kind === 'text' && body.includes('=Pg'))?.body)
  })

  test('Given a stream that an operator made as the page shows, then a store opens it and keeps it as it is', async () => {
    const server = await natsServer()
    after(() => server.end())
    await withFolder(cacheFolder(), async (folder) => {
      // There is one server here.
      const program = fenceWith('streams.add').replace('num_replicas: 3', 'num_replicas: 1')
      writeFileSync(join(folder, 'make.ts'), program.replace("process.env.NATS_URL ?? ''", `'${server.url}'`))
      const { code, stderr } = await run(process.execPath, [join(folder, 'make.ts')], { cwd: folder })
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    })
    const store = await natsStore({ servers: server.url })
    assert.equal(await store.record(settled('a')), 'created')
    await store.close()
  })

  test('Given the rights of the page, then a writer, a reader and a purger can do what is theirs, and nothing more', async () => {
    const server = await natsServer({ config: fenceWith('authorization {') })
    after(() => server.end())
    const open = (user: string, pass: string) =>
      natsStore({ servers: server.url, user, pass, inboxPrefix: `_INBOX_${user}`, deadlineMs: 2000 })
    assert.equal(await outcomeOf(open('writer', 'change-me-2')), 'STORE_READ_ONLY no')
    await (await open('owner', 'change-me-1')).close()
    const [writer, reader, purger] = await Promise.all([
      open('writer', 'change-me-2'),
      open('reader', 'change-me-3'),
      open('purger', 'change-me-4'),
    ])
    const data = new Uint8Array(1024 * 1024)
    const large = made('large', { payload: { status: 'full', format: 'bytes', data, bytes: data.length } })
    const written = [made('a'), settled('a'), settled('a'), large].map((each) => () => writer.record(each))
    const results: unknown[] = []
    for (const write of written) results.push(await write())
    assert.deepEqual(results, ['created', 'settled', 'unchanged', 'created'])
    for (const store of [writer, reader, purger]) {
      assert.deepEqual(await store.get('a'), settled('a'))
      assert.deepEqual(await store.findByCorrelation('k'), [settled('a'), large])
      assert.deepEqual((await store.list({ state: 'created' })).records, [large])
      assert.equal((await store.follow()[Symbol.asyncIterator]().next()).done, false)
    }
    for (const store of [reader, purger]) assert.equal(await outcomeOf(store.record(made('no'))), 'STORE_READ_ONLY no')
    for (const store of [reader, writer]) {
      assert.equal(await outcomeOf(store.purge({ retention: 'long-lived', before: 2000 })), 'STORE_READ_ONLY no')
    }
    assert.equal(await purger.purge({ retention: 'long-lived', before: 2000 }), 1)
    assert.equal(await reader.get('a'), undefined)
    await Promise.all([writer, reader, purger].map((store) => store.close()))
  })
})
