import { randomBytes } from 'node:crypto'
import postgres from 'postgres'

/** Creates a new empty database on the server of that URL and gives its URL. */
export async function createDatabase(url: string): Promise<string> {
  const name = `commandlog_test_${randomBytes(8).toString('hex')}`
  await administrate(url, `create database ${name}`)
  const created = new URL(url)
  created.pathname = `/${name}`
  return created.href
}

/** Drops a database that `createDatabase` made on that server, whoever is connected to it. */
export async function dropDatabase(url: string, database: string): Promise<void> {
  await administrate(url, `drop database if exists ${new URL(database).pathname.slice(1)} with (force)`)
}

async function administrate(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} })
  try {
    await sql.unsafe(statement)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
