import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withFolder } from '../project.ts'
import { Disk, type DiskOperation } from './disk.ts'
import { seeded } from './seeded.ts'
import { traced, whyNoStrace } from './strace.ts'

const sector = 512

function write(path: string, offset: number, text: string): DiskOperation {
  return { kind: 'write', path, offset, bytes: Buffer.from(text) }
}

function afterMany(operations: readonly DiskOperation[], path: string): readonly string[] {
  const disk = new Disk()
  for (const operation of operations) disk.apply(operation)
  const random = seeded(1)
  const found = Array.from({ length: 500 }, () => disk.afterCrash(random).get(path)?.toString() ?? 'no file')
  return [...new Set(found)].sort()
}

test('what was synced is there after every crash', () => {
  assert.deepEqual(afterMany([write('/d/a', 0, 'xy'), { kind: 'sync', path: '/d/a' }], '/d/a'), ['xy'])
})

test('what was not synced is there or not, a later write without an earlier one too', () => {
  const operations = [
    write('/d/a', 0, 'xy'),
    { kind: 'sync', path: '/d/a' } as const,
    write('/d/a', 0, '1'),
    write('/d/a', 1, '2'),
  ]
  assert.deepEqual(afterMany(operations, '/d/a'), ['12', '1y', 'x2', 'xy'])
})

test('a sync of one file says nothing about another', () => {
  const operations = [write('/d/a', 0, 'x'), { kind: 'sync', path: '/d/b' } as const]
  assert.deepEqual(afterMany(operations, '/d/a'), ['', 'x'])
})

test('a write over two sectors may be torn between them, and within neither', () => {
  const found = afterMany([write('/d/a', sector - 1, 'xy')], '/d/a')
    .map((text) => text.replaceAll('\0', ''))
    .sort()
  assert.deepEqual(found, ['', 'x', 'xy', 'y'].sort())
  assert.deepEqual(
    afterMany([write('/d/a', sector, 'xy')], '/d/a').map((text) => text.replaceAll('\0', '')),
    ['', 'xy'],
  )
})

test('a truncated file has its old length or its new one', () => {
  const operations = [
    write('/d/a', 0, 'xy'),
    { kind: 'sync', path: '/d/a' } as const,
    { kind: 'resize', path: '/d/a', size: 1 } as const,
  ]
  assert.deepEqual(afterMany(operations, '/d/a'), ['x', 'xy'])
})

test('a removed name may come back until its folder is synced', () => {
  const removed = [write('/d/a', 0, 'x'), { kind: 'sync', path: '/d/a' }, { kind: 'unlink', path: '/d/a' }] as const
  assert.deepEqual(afterMany(removed, '/d/a'), ['no file', 'x'])
  assert.deepEqual(afterMany([...removed, { kind: 'sync', path: '/d' }], '/d/a'), ['no file'])
})

test('what a program does to its files is recorded in order', { skip: process.platform !== 'linux' }, async () => {
  assert.equal(await whyNoStrace(), undefined)
  const code = `const fs = require('node:fs'); const file = fs.openSync(process.argv[1], 'w')
    fs.writeSync(file, 'xy', 7); fs.fsyncSync(file); fs.writeSync(1, 'said'); fs.ftruncateSync(file, 1); fs.unlinkSync(process.argv[1])`
  await withFolder(tmpdir(), async (folder) => {
    const path = join(folder, 'file')
    assert.deepEqual(await traced(folder, join(folder, 'trace'), ['-e', code, path]), [
      { kind: 'write', path, offset: 7, bytes: Buffer.from('xy') },
      { kind: 'sync', path },
      { kind: 'said', text: 'said' },
      { kind: 'resize', path, size: 1 },
      { kind: 'unlink', path },
    ])
  })
})

test('a program that writes in a way which the model does not know is refused', {
  skip: process.platform !== 'linux',
}, async () => {
  await withFolder(tmpdir(), async (folder) => {
    const code = `const fs = require('node:fs'); fs.writeFileSync(process.argv[1], 'x'); fs.renameSync(process.argv[1], process.argv[1] + '2')`
    await assert.rejects(
      traced(folder, join(folder, 'trace'), ['-e', code, join(folder, 'file')]),
      /model does not know/,
    )
  })
})
