import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import type { CheckReport } from './run-check.ts'

/** What a store that kept every rule has shown. */
export interface Certificate {
  /** Every check that ran and held. */
  readonly checks: readonly CheckReport[]
  /** Checks that could not be shown on this store, each with the reason under `skipped`. */
  readonly skipped: readonly CheckReport[]
  /** Executions of all checks together. */
  readonly runs: number
  /** Calls to the store. */
  readonly operations: number
  readonly seed: number
  readonly versions: { readonly node: string; readonly fastCheck: string; readonly commandlog: string }
  readonly durationMs: number
}

/** Sums up what the checks have done. */
export function certificateOf(reports: readonly CheckReport[], seed: number, durationMs: number): Certificate {
  const checks = reports.filter(({ skipped }) => skipped === undefined)
  const skipped = reports.filter(({ skipped: reason }) => reason !== undefined)
  let [runs, operations] = [0, 0]
  for (const report of reports) {
    runs += report.runs
    operations += report.operations
  }
  const versions = { node: process.versions.node, fastCheck: fc.__version, commandlog: ownVersion() }
  return { checks, skipped, runs, operations, seed, versions, durationMs }
}

/** A certificate as text, for a store's author to print. */
export function formatCertificate(certificate: Certificate): string {
  const { checks, skipped, runs, operations, seed, versions, durationMs } = certificate
  const { node, fastCheck, commandlog } = versions
  return [
    `Conforms to the store contract of commandlog ${commandlog}: ${checks.length} checks, ${runs} runs, ${operations} calls.`,
    `Seed ${seed}, ${(durationMs / 1000).toFixed(1)} s, Node ${node}, fast-check ${fastCheck}.`,
    ...checks.map(({ name, rule }) => `✓ ${name}: ${rule}`),
    ...skipped.map(({ name, skipped: reason }) => `- ${name}: not shown, ${reason}`),
  ].join('\n')
}

function ownVersion(): string {
  try {
    const manifest = readFileSync(new URL(import.meta.resolve('commandlog/package.json')), 'utf8')
    return String((JSON.parse(manifest) as { version?: unknown }).version)
  } catch {
    // A bundler may have left the manifest out: the certificate is as good without this number.
    return 'unknown'
  }
}
