import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withFolder } from '../project.ts'

/** Gives a new folder to `use`, and removes it afterwards. Its name is one that no error may tell. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  return await withFolder(tmpdir(), use, 'commandlog-sqlite-')
}

/** Gives the path of a file that is not there yet, in a folder of its own, to `use`, and removes all afterwards. */
export async function withPath<T>(use: (path: string) => Promise<T>): Promise<T> {
  return await inFolder((folder) => use(join(folder, 'log.db')))
}
