import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { postgresServer } from '../../test/servers/postgres.ts'
import { giveAway } from '../../test/servers/postgres-programs.ts'
import { outcomeOf, timed, until } from '../../test/stores/outcome.ts'
import { run } from '../../test/stores/postgres.ts'
import { made, settled } from '../../test/stores/samples.ts'
import { postgresStore } from './index.ts'

/** Gives a new folder to `use`, and removes it afterwards. */
async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'commandlog-odd-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('what is no server of Postgres', () => {
  const manners: Readonly<Record<string, (socket: Socket) => void>> = {
    'hangs up at once': (socket) => socket.destroy(),
    'hangs up after the first word': (socket) => socket.once('data', () => socket.end()),
    'talks HTTP': (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    'talks without end': (socket) => socket.once('data', () => socket.write(Buffer.alloc(100_000, 'secret'))),
    'says nothing': () => {},
  }
  for (const [manner, act] of Object.entries(manners)) {
    test(`Given one that ${manner}, then opening fails within the deadline, after a few connections`, async () => {
      let count = 0
      const server = createServer((socket) => {
        count++
        socket.on('error', () => {}).resume()
        act(socket)
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const [outcome, ms] = await timed(
        postgresStore({ url: `postgres://ada:secret@127.0.0.1:${port}/log`, deadlineMs: 1000 }),
      )
      assert.match(String(outcome), /^STORE_(TIMEOUT|UNAVAILABLE) no$/)
      assert.ok(ms < 4000 && count > 0 && count < 60, `${ms} ms, ${count} connections`)
      // It ends only when all connections have: none of ours is left.
      server.close()
      await once(server, 'close')
    })
  }
})

describe('encryption', () => {
  test('Given a server with a certificate of its own, then sslmode=require is served, and verify-full refuses it', async (t) => {
    await inFolder(async (folder) => {
      const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
      const openssl = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=elsewhere']
      if (spawnSync('openssl', [...openssl, '-keyout', key, '-out', certificate]).status !== 0)
        return t.skip('needs openssl')
      for (const path of [folder, key, certificate]) giveAway(path)
      chmodSync(key, 0o600)
      const server = await postgresServer({ ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key })
      const url = await server.database()
      const store = await postgresStore({ url: `${url}?sslmode=require` })
      assert.equal(await store.record(made('a')), 'created')
      const used =
        "SELECT count(*)::int FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'commandlog'"
      assert.deepEqual(await run(url, used), [{ count: 2 }])
      await store.close()
      await until(async () => (await run(url, used))[0]?.count === 0)
      assert.equal(
        await outcomeOf(postgresStore({ url: `${url}?sslmode=verify-full`, deadlineMs: 2000 })),
        'STORE_UNAVAILABLE no',
      )
      await server.end()
    })
  })
})

describe('a disk that is full', () => {
  // Where the log of the server itself is on that disk, the server goes down, which is STORE_UNAVAILABLE.
  test('Given no room for tables, when recorded, then it is STORE_FULL, and all goes on once there is some', async (t) => {
    await inFolder(async (folder) => {
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]).status !== 0) {
        return t.skip('needs leave to mount')
      }
      const server = await postgresServer()
      try {
        giveAway(folder)
        await run(server.url, `CREATE TABLESPACE small LOCATION '${folder}'`)
        const url = await server.database()
        await run(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET default_tablespace = small`)
        await fillAndMend(url, folder)
      } finally {
        await server.end()
        spawnSync('umount', ['-l', folder])
      }
    })
  })
})

/** Writes until nothing fits any more, then makes the disk larger. */
async function fillAndMend(url: string, folder: string): Promise<void> {
  const store = await postgresStore({ url })
  const outcomes: unknown[] = []
  while (outcomes.length < 400 && (outcomes.at(-1) ?? 'created') === 'created') {
    const payload = { status: 'full', format: 'cbor', data: randomBytes(512 * 1024), bytes: 512 * 1024 } as const
    outcomes.push(await outcomeOf(store.record(settled(`f${outcomes.length}`, { payload }))))
  }
  assert.equal(outcomes.at(-1), 'STORE_FULL no')
  const [found] = await run(url, 'SELECT count(*)::int FROM command_log')
  assert.deepEqual(found, { count: outcomes.length - 1 })
  assert.deepEqual(await store.get('f0').then((record) => record?.state), 'successful')
  spawnSync('mount', ['-o', 'remount,size=200m', folder])
  assert.equal(await store.record(settled('again')), 'created')
  assert.equal(await store.purge({ retention: 'long-lived', before: 2000 }), outcomes.length)
  await store.close()
}
