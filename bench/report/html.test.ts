import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ink, palette } from './colours.ts'
import { htmlReport } from './html.ts'
import { hostileName, madeUpRun } from './made-up-run.ts'

const html = htmlReport(madeUpRun, madeUpRun)

test('the page needs no network and no script', () => {
  assert.deepEqual(html.match(/<(?:script|link|iframe|img|object|embed)\b|@import|url\((?!#)/g), null)
  const addresses = new Set(html.match(/\bhttps?:[^"' ]+/g))
  // Names of the SVG format, which nobody fetches.
  assert.deepEqual(
    [...addresses].filter((address) => !address.startsWith('http://www.w3.org/')),
    [],
  )
})

test('names are shown as they are, and are no markup', () => {
  assert.equal(html.includes(hostileName), false)
  assert.ok(html.includes('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;co&quot; | `x`'))
})

test('every chart is named, says what it shows, and has a table beside it', () => {
  const pairs = html.split('<div class="pair charted">').slice(1)
  assert.equal(pairs.length, 5)
  for (const pair of pairs)
    assert.match(
      pair,
      /^<figure><svg role="img" aria-label="[^"]{20,}"[\s\S]*?<\/figure>\s*<div class="scroll"[^>]*><table>/,
    )
  assert.equal(html.match(/<svg /g)?.length, pairs.length)
})

test('aims are told by words and signs, not by colour alone', () => {
  const verdicts = html.match(/[✓✗] (?:met|missed)[a-z, ]*(?=<\/span>)/g)
  assert.deepEqual(verdicts, ['✓ met, narrowly', '✗ missed', '✓ met', '✓ met, narrowly'])
})

test('every colour has contrast with its ground in both schemes: 3 to 1 for data, 4.5 to 1 for text', () => {
  const { ground, text, quiet, met, missed } = ink
  for (const scheme of ['light', 'dark'] as const) {
    const low = palette.filter((colour) => contrast(colour[scheme], ground[scheme]) < 3)
    const unreadable = [text, quiet, met, missed].filter((colour) => contrast(colour[scheme], ground[scheme]) < 4.5)
    assert.deepEqual([low, unreadable], [[], []])
  }
})

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
