import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { run } from '../project.ts'
import { type PostgresServer, postgresServer, sharedPostgres } from './postgres.ts'
import { areGone, processTree, type RunningProcess, runningProcesses } from './processes.ts'

const starter = join(import.meta.dirname, 'starter.ts')

/** Runs statements on a connection of their own. */
async function query(url: string, ...statements: string[]): Promise<readonly object[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} })
  try {
    let rows: readonly object[] = []
    for (const statement of statements) rows = [...(await sql.unsafe(statement))]
    return rows
  } finally {
    await sql.end({ timeout: 1 })
  }
}

function isServer(port: number): (found: RunningProcess) => boolean {
  return ({ args }) => args.includes(`-c port=${port} `)
}

/** The folder that holds the data of the server on that port. */
function folderOf(port: number): string {
  const data = / -D (\S+) /.exec(runningProcesses().find(isServer(port))?.args ?? '')?.[1]
  assert.ok(data, `Expected a server on port ${port}`)
  return dirname(data)
}

describe('a Postgres server of our own', { timeout: 60_000 }, () => {
  let server: PostgresServer
  before(async () => {
    server = await postgresServer({ work_mem: '5MB' })
  })
  // A test that fails in the middle shall not take the others along.
  beforeEach(async () => {
    server.thaw()
    await server.start()
  })
  after(() => server.end())

  test('is a durable Postgres 18 with the settings that were asked for', async () => {
    const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'max_connections', 'work_mem', 'listen_addresses']
    const settings = names.map((name) => `current_setting('${name}') as ${name}`)
    const version = `split_part(current_setting('server_version'), '.', 1) as version`
    assert.deepEqual(await query(server.url, `select ${[...settings, version].join()}`), [
      {
        fsync: 'on',
        synchronous_commit: 'on',
        full_page_writes: 'on',
        max_connections: '100',
        work_mem: '5MB',
        listen_addresses: '127.0.0.1',
        version: '18',
      },
    ])
  })

  test('lets nobody in without the password', async () => {
    const url = new URL(server.url)
    url.password = 'guessed'
    await assert.rejects(query(url.href, 'select 1'), { code: '28P01' })
  })

  test('sorts text as in a dictionary', async () => {
    const sorted = await query(server.url, "select * from (values ('b'), ('B'), ('a')) letters (it) order by it")
    assert.deepEqual(sorted, [{ it: 'a' }, { it: 'b' }, { it: 'B' }])
  })

  test('gives databases that do not see each other', async () => {
    const [one, other] = await Promise.all([server.database(), server.database()])
    assert.notEqual(one, other)
    await query(one, 'create table things (id int)', 'insert into things values (1)')
    assert.deepEqual(await query(one, 'select id from things'), [{ id: 1 }])
    await assert.rejects(query(other, 'select id from things'), { code: '42P01' })
  })

  test('has after SIGKILL and a new start what was committed, and nothing else', async () => {
    const url = await server.database()
    await query(url, 'create table things (id int)', 'insert into things values (1)')
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    // Not by the driver's transactions: it ends the process where one of those goes on after its connection broke.
    await sql.unsafe('begin; insert into things values (2)')
    await server.kill()
    await sql.end({ timeout: 1 })
    await assert.rejects(query(url, 'select 1'), { code: 'ECONNREFUSED' })
    await server.start()
    assert.deepEqual(await query(url, 'select id from things'), [{ id: 1 }])
  })

  test('keeps its port and data when it is stopped and started', async () => {
    const url = await server.database()
    await query(url, 'create table things (id int)')
    await server.stop()
    await assert.rejects(query(url, 'select 1'), { code: 'ECONNREFUSED' })
    await server.start()
    assert.deepEqual(await query(url, 'select id from things'), [])
  })

  test('answers nothing while it is frozen, and everything afterwards', async () => {
    const sql = postgres(server.url, { max: 1 })
    await sql`select 1`
    server.freeze()
    let isAnswered = false
    const answer = sql`select 2 as it`.then((rows) => {
      isAnswered = true
      return [...rows]
    })
    await sleep(300)
    assert.equal(isAnswered, false)
    server.thaw()
    assert.deepEqual(await answer, [{ it: 2 }])
    await sql.end()
  })

  test('can be killed while it is frozen, and leaves no process behind', async () => {
    const tree = processTree(isServer(server.port))
    assert.ok(tree.length > 4, `Expected a server and its children, came ${tree}`)
    server.freeze()
    await server.kill()
    assert.equal(await areGone(tree, 0), true)
    await server.start()
    assert.deepEqual(await query(server.url, 'select 1 as it'), [{ it: 1 }])
  })

  test('can be stopped while it is frozen', async () => {
    server.freeze()
    await server.stop()
    await server.start()
    assert.deepEqual(await query(server.url, 'select 1 as it'), [{ it: 1 }])
  })

  test('knows nothing of a second one', async () => {
    const second = await postgresServer()
    await query(second.url, 'create table only_here (id int)')
    await assert.rejects(query(server.url, 'select * from only_here'), { code: '42P01' })
    await second.end()
    assert.deepEqual(await query(server.url, 'select 1 as it'), [{ it: 1 }])
  })

  test('that cannot start says why and leaves nothing', async () => {
    const starting = postgresServer({ max_connections: 'many' })
    await assert.rejects(starting, /invalid value for parameter "max_connections": "many"/)
  })

  for (const state of ['running', 'frozen', 'stopped', 'killed'] as const) {
    test(`ends and takes its data along when it is ${state}`, async () => {
      const ending = await postgresServer()
      const folder = folderOf(ending.port)
      const tree = processTree(isServer(ending.port))
      if (state === 'frozen') ending.freeze()
      if (state === 'stopped') await ending.stop()
      if (state === 'killed') await ending.kill()
      await Promise.all([ending.end(), ending.end()])
      assert.deepEqual([existsSync(folder), await areGone(tree, 0)], [false, true])
    })
  }
})

describe('a test process with a server', { timeout: 60_000, concurrency: true }, () => {
  /** Starts one, ends it in that way, and says what is left of its server. */
  async function leftBy(way: NodeJS.Signals | 'throw' | 'exit'): Promise<object> {
    const child = spawn(process.execPath, [starter, way], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const closed = new Promise((resolve) => child.on('close', resolve))
    let port = 0
    for await (const line of createInterface({ input: child.stdout })) {
      port = Number(line)
      break
    }
    const [folder, tree] = [folderOf(port), processTree(isServer(port))]
    if (way === 'throw' || way === 'exit') child.stdin.write('now\n')
    else child.kill(way)
    await closed
    const areEnded = await areGone(tree, 5000)
    const end = performance.now() + 5000
    while (existsSync(folder) && performance.now() < end) await sleep(20)
    return { processes: tree.length > 4, areEnded, isFolderThere: existsSync(folder) }
  }

  for (const way of ['SIGKILL', 'SIGTERM', 'SIGINT', 'throw', 'exit'] as const) {
    test(`leaves nothing of it behind on ${way}`, { timeout: 20_000 }, async () => {
      assert.deepEqual(await leftBy(way), { processes: true, areEnded: true, isFolderThere: false })
    })
  }
})

test('where Postgres is not installed the error says what to do', async () => {
  const elsewhere = 'data:text/javascript,Object.defineProperty(process, "arch", { value: "pdp11" })'
  const { code, stderr } = await run(process.execPath, ['--import', elsewhere, starter])
  assert.equal(code, 1)
  assert.match(stderr, /Expected Postgres at .*-pdp11.*npm ci.*COMMANDLOG_POSTGRES_URL/)
})

describe('the shared Postgres server', { timeout: 60_000 }, () => {
  after(() => {
    delete process.env.COMMANDLOG_POSTGRES_URL
  })

  test('is one for the whole process, and nobody may take it from the others', async () => {
    delete process.env.COMMANDLOG_POSTGRES_URL
    const [one, same] = await Promise.all([sharedPostgres(), sharedPostgres()])
    assert.equal(one, same)
    assert.equal(one.isOwn, true)
    await assert.rejects(one.kill(), /the one that tests share/)
    assert.throws(() => one.freeze(), /the one that tests share/)
    assert.deepEqual(await query(await one.database(), 'select 1 as it'), [{ it: 1 }])
    await one.end()
  })

  test('is the one that COMMANDLOG_POSTGRES_URL names, which keeps none of our databases', async () => {
    const theirs = await postgresServer()
    process.env.COMMANDLOG_POSTGRES_URL = theirs.url
    const server = await sharedPostgres()
    assert.deepEqual([server.url, server.port, server.isOwn], [theirs.url, theirs.port, false])
    const url = await server.database()
    const staying = postgres(url, { max: 1, onnotice: () => {} })
    await staying`select 1`
    await server.end()
    await staying.end({ timeout: 1 })
    const databases = await query(theirs.url, "select datname from pg_database where datname like 'commandlog%'")
    assert.deepEqual(databases, [])
    await theirs.end()
  })
})
