import { usersTable } from '../../auth/users/users-relation.ts'
import { invalidRequest, type Issue } from '../../platform/errors.ts'
import type { Scope } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { CompleteDefinition } from './collection-definition.ts'

/** A collection that every project has: another feature writes it, and it is read like any other. */
export interface BuiltInCollection {
  /** Takes the place of the table's name in a query. */
  table: (project: Pick<Project, 'id'>) => string
  /** What a secret key needs beside the right to read documents. */
  scope: Scope
  /** What holds until the project declares otherwise, rule by rule and field by field. */
  defaults: CompleteDefinition
}

const themselves = { read: 'auth.uid == doc.id' }

export const builtInCollections: ReadonlyMap<string, BuiltInCollection> = new Map([
  [
    'users',
    {
      table: usersTable,
      scope: 'users:read',
      defaults: {
        schema: null,
        indexes: [],
        rules: themselves,
        fields: {
          email: themselves,
          isEmailVerified: themselves,
          phone: themselves,
          isPhoneVerified: themselves,
          isSuspended: themselves,
          claims: themselves,
        },
      },
    },
  ],
])

/** What is declared over the defaults; of other collections the declaration itself. */
export function effectiveDefinition(name: string, declared: CompleteDefinition): CompleteDefinition {
  const defaults = builtInCollections.get(name)?.defaults
  if (defaults === undefined) return declared
  const { read, list } = declared.rules
  const readable = Object.entries(declared.fields).map(([path, field]) => {
    const { write: _, ...rest } = field
    return [path, rest] as const
  })
  return {
    ...defaults,
    rules: { ...defaults.rules, ...(read !== undefined && { read }), ...(list !== undefined && { list }) },
    fields: { ...defaults.fields, ...Object.fromEntries(readable) },
  }
}

/** Throws 400 with the path of everything that can't be declared of a built-in collection. */
export function checkBuiltIn(name: string, { schema, indexes, rules, fields }: CompleteDefinition): void {
  if (!builtInCollections.has(name)) return
  const paths = [
    ...(schema === null ? [] : ['schema']),
    ...(indexes.length === 0 ? [] : ['indexes']),
    ...(['create', 'update', 'delete'] as const)
      .filter((action) => rules[action] !== undefined)
      .map((action) => `rules.${action}`),
    ...Object.entries(fields)
      .filter(([, { write }]) => write !== undefined)
      .map(([path]) => `fields.${path}.write`),
  ]
  const message = `can not be declared: ${name} is built in and read-only`
  const issues: Issue[] = paths.map((path) => ({ path, code: 'built_in', message }))
  if (issues.length > 0) throw invalidRequest(issues)
}
