import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { withFolder } from '../project.ts'
import { parseAptSources } from './apt-sources.ts'
import { findNatsServer, natsProgram, oldestNatsServer } from './nats-program.ts'

/** Puts a program there that says it is that version. */
function pretender(path: string, version: string): void {
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`)
  chmodSync(path, 0o755)
}

/** An empty place to look in. */
function withPlaces<T>(use: (places: { path: string; cache: string }) => Promise<T>): Promise<T> {
  return withFolder(tmpdir(), (folder) => {
    const places = { path: join(folder, 'bin'), cache: join(folder, 'cache') }
    mkdirSync(places.path)
    return use(places)
  })
}

describe('the nats-server for tests', { timeout: 120_000 }, () => {
  test('is the one on the PATH if it is new enough', async () => {
    const program = await natsProgram()
    await withPlaces(async (places) => {
      const path = join(places.path, 'nats-server')
      symlinkSync(program, path)
      assert.equal(await findNatsServer(places), path)
    })
  })

  test('is the newest of the cache if there is none on the PATH, or only an old one', async () => {
    await withPlaces(async (places) => {
      for (const version of ['2.9.1', oldestNatsServer, '2.100.3', '2.20.0', 'draft-1']) {
        mkdirSync(join(places.cache, version), { recursive: true })
      }
      const newest = join(places.cache, '2.100.3/usr/sbin/nats-server')
      assert.equal(await findNatsServer(places), newest)
      pretender(join(places.path, 'nats-server'), '2.11.99')
      assert.equal(await findNatsServer(places), newest)
    })
  })

  test('is named, with what to do, where there is none', async () => {
    await withPlaces(async (places) => {
      pretender(join(places.path, 'nats-server'), '2.10.4')
      await assert.rejects(
        findNatsServer(places),
        /Expected nats-server 2\.12\.0 or newer on the PATH, came 2\.10\.4 at \S+\. Install one \(.*COMMANDLOG_NATS_URL/,
      )
      assert.deepEqual(readdirSync(places.cache), [])
    })
  })
})

describe("apt's sources", () => {
  test('are read from lines', () => {
    const text = [
      '# deb http://mirror.example/debian trixie main',
      'deb-src http://mirror.example/debian trixie main',
      'deb http://mirror.example/debian trixie main contrib # ours',
      'deb [arch=amd64 signed-by=/one.gpg,/two.gpg] http://other.example/ stable main',
    ].join('\n')
    assert.deepEqual(parseAptSources(text, 'lines'), [
      { uri: 'http://mirror.example/debian', suites: ['trixie'], components: ['main', 'contrib'], trust: [] },
      {
        uri: 'http://other.example/',
        suites: ['stable'],
        components: ['main'],
        trust: ['signed-by: /one.gpg /two.gpg'],
      },
    ])
  })

  test('are read from stanzas, with a key that is written out', () => {
    const text = [
      'Types: deb deb-src',
      '# a remark',
      'URIs: http://one.example/debian http://two.example/debian',
      'Suites: trixie trixie-updates',
      'Components: main',
      'Signed-By:',
      ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
      ' .',
      ' abc',
      '',
      'Types: deb',
      'URIs: http://off.example/debian',
      'Suites: trixie',
      'Components: main',
      'Enabled: no',
      '',
    ].join('\n')
    const fields = {
      suites: ['trixie', 'trixie-updates'],
      components: ['main'],
      trust: ['signed-by:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc'],
    }
    assert.deepEqual(parseAptSources(text, 'deb822'), [
      { uri: 'http://one.example/debian', ...fields },
      { uri: 'http://two.example/debian', ...fields },
    ])
  })
})
