import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { account, environment, postgresProgram } from './postgres-programs.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

/** The processes of a Postgres server on `<folder>/data` and this port, with these settings of `postgresql.conf`. */
export function postmaster(folder: string, port: number, settings: Readonly<Record<string, string>>): ServerProcess {
  const data = join(folder, 'data')
  const lockFile = join(data, 'postmaster.pid')
  return serverProcess({
    name: 'Postgres',
    command: postgresProgram('postgres'),
    args: [
      '-D',
      data,
      '-c',
      `port=${port}`,
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    folder,
    options: { env: environment, ...account },
    port,
    isReady: (pid) => isReady(pid, lockFile),
    // A number in it may belong to some other process by now, which Postgres would take for itself.
    beforeStart: () => rmSync(lockFile, { force: true }),
  })
}

/** The same test as `pg_ctl start` does. */
function isReady(pid: number | undefined, lockFile: string): boolean {
  try {
    const lines = readFileSync(lockFile, 'utf8').split('\n')
    return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
  } catch {
    // It has not been written yet.
    return false
  }
}
