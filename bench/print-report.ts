import type { Measure } from './rounds.ts'
import type { Verdict } from './verdict.ts'

/** What was measured, then what of it was promised. */
export function printReport(measures: readonly Measure[], verdicts: readonly Verdict[]): void {
  printTable(
    ['measure', 'server', '/s', 'refused/s', 'p50 ms', 'p99 ms', 'generator busy'],
    measures.map(({ name, subject, rate, refused, p50, p99, generatorBusy }) => [
      name,
      subject,
      Math.round(rate).toLocaleString('en'),
      refused === 0 ? '' : Math.round(refused).toLocaleString('en'),
      figure(p50),
      figure(p99),
      generatorBusy === 0 ? '' : `${Math.round(generatorBusy * 100)} %`,
    ]),
  )
  printTable(
    ['target', 'reached', 'wanted', ''],
    verdicts.map(({ what, reached, wanted, unit, direction, isReached }) => [
      what,
      `${figure(reached)} ${unit}`,
      `${direction} ${wanted} ${unit}`,
      isReached ? 'reached' : 'NOT REACHED',
    ]),
  )
}

function printTable(head: string[], rows: string[][]): void {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  console.log(`\n${[head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}`)
}

/** Figures end, and words begin, under each other. */
function pad(cell: string, width: number): string {
  return /^[\d≥≤]/.test(cell) ? cell.padStart(width) : cell.padEnd(width)
}

function figure(number: number): string {
  if (Number.isNaN(number)) return ''
  return number >= 100 ? String(Math.round(number)) : number.toFixed(2)
}
