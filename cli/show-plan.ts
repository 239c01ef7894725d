import type { Detail } from './compare-collections.ts'
import { type Change, describeCount, type Plan } from './plan.ts'
import { paint, print } from './terminal.ts'

/** For people: what comes, goes and changes, and what to know before saying yes. */
export function showPlan({ changes, strays }: Plan): void {
  for (const change of changes) {
    print(signed(change.sign, titleOf(change)))
    for (const detail of change.details) showDetail(detail)
    for (const warning of change.warnings) print(`    ${paint('yellow', '!')} ${warning}`)
  }
  for (const { name, documents } of strays) {
    print(
      `${paint('yellow', '!')} collection ${name} is not in the folder; it stays, with ${describeCount(documents)}`,
    )
    print(
      paint(
        'dim',
        `    to delete it: basalt deploy --delete ${name}; to keep it: basalt pull, or add it to schema.ts`,
      ),
    )
  }
}

export function titleOf({ kind, name }: Pick<Change, 'kind' | 'name'>): string {
  return name === '' ? kind : `${kind} ${name}`
}

function showDetail({ sign, what, before, after, note }: Detail): void {
  const value = after ?? before
  if (sign === '~' && before !== undefined && after !== undefined) {
    print(`    ${signed('~', what)}`)
    print(`        ${paint('red', `- ${indent(before)}`)}`)
    print(`        ${paint('green', `+ ${indent(after)}`)}`)
  } else {
    print(`    ${signed(sign, value === undefined ? what : `${what}: ${indent(value)}`)}`)
  }
  if (note !== undefined) print(`        ${paint('yellow', '!')} ${note}`)
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n          ')
}

function signed(sign: Change['sign'], text: string): string {
  const colours = { '+': 'green', '-': 'red', '~': 'yellow' } as const
  return `${paint(colours[sign], sign)} ${text}`
}

/** For programs. */
export function presentPlan({ changes, strays }: Plan): object {
  return {
    changes: changes.map(({ sign, kind, name, details, warnings }) => ({
      sign,
      kind,
      name,
      details,
      warnings,
    })),
    strays,
    inSync: changes.length === 0 && strays.length === 0,
  }
}
