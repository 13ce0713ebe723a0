import type { Figure } from '../result.ts'
import type { Spread } from '../statistics.ts'

/** A number with three digits that count: `0.0123`, `4.56`, `789`, `1,234`, `56.7k`, `8.9M`. Whatever is no number is `none`. */
export function show(value: number): string {
  // What was not a number when it was measured comes out of JSON as null.
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'none'
  const size = Math.abs(value)
  if (size >= 999_500) return `${digits(value / 1e6)}M`
  if (size >= 9999.5) return `${digits(value / 1e3)}k`
  if (size >= 999.5) return Math.round(value).toLocaleString('en')
  return digits(value)
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** The quartiles: `4.5 to 4.8`. */
export function showRange({ low, high }: Spread): string {
  return Number.isFinite(low) && Number.isFinite(high) ? `${show(low)} to ${show(high)}` : ''
}

/** Median and quartiles: `4.6 (4.5 to 4.8)`. */
export function showSpread(spread: Spread): string {
  const range = spread.low === spread.high ? '' : showRange(spread)
  return range === '' ? show(spread.median) : `${show(spread.median)} (${range})`
}

/** A value of a case as it is written in tables: numbers in full. */
export function showParam(value: string | number): string {
  return typeof value === 'number' ? value.toLocaleString('en') : value
}

/** The name of a parameter as one says it: `inFlight` is `in flight`. */
export function label(name: string): string {
  return name.replace(/[a-z][A-Z]/g, ([before, after]) => `${before} ${after?.toLowerCase()}`)
}

/** A case in words: `mode write-ahead, in flight 64`. */
export function showParams(params: Figure['params']): string {
  return Object.entries(params)
    .map(([name, value]) => `${label(name)} ${showParam(value)}`)
    .join(', ')
}

/** A figure's name within a run. */
export function figureText({ trial, subject, params, measure }: Figure): string {
  return [`${trial}: ${subject}`, measure, showParams(params)].filter((part) => part !== '').join(', ')
}

/** Lines of at most so many characters, broken between words where that is possible. */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(/\s+/)) {
    const isFirst = line === indent
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line)
      line = `${indent}${word}`
    } else line += isFirst ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}
