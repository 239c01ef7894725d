import type { Expression } from '../../query/expression.ts'
import { type FieldPath, parseFieldPath } from '../../query/field-path.ts'
import { compilePredicate, type Predicate } from '../../query/compile-predicate.ts'
import { documentVariables, parseRule } from '../../query/parse-rule.ts'
import type { CollectionIndexes } from '../../query/sql-context.ts'
import { usesDocument } from '../../query/walk-expression.ts'
import { ApiError, invalidRequest, type Issue } from '../../platform/errors.ts'
import { quoteName } from '../../platform/sql.ts'
import { type Project, projectSchema } from '../../projects/project.ts'
import { type BuiltInCollection, builtInCollections } from './built-in-collections.ts'
import { type Action, actions, type CompleteDefinition } from './collection-definition.ts'
import { compileSchema, type Validator } from './compile-schema.ts'
import { collectionIndexes, type ParsedIndex, parseIndexes } from './parse-indexes.ts'

/** A rule, ready to be asked about one document or to become part of a query. */
export interface Rule {
  source: string
  expression: Expression
  predicate: Predicate
  usesDocument: boolean
}

/** Who may see and write a single field; absent means: whoever may the document. */
export interface FieldRules {
  path: FieldPath
  read?: Rule
  write?: Rule
}

/** A collection with everything compiled that requests need. Made once and shared until its declaration changes. */
export interface Collection {
  name: string
  /** Quoted and schema-qualified; of a built-in collection a query in parentheses. */
  table: string
  /** Undefined for what the project has declared itself. */
  builtIn: BuiltInCollection | undefined
  definition: CompleteDefinition
  validate: Validator | undefined
  rules: Partial<Record<Action, Rule>>
  fieldRules: readonly FieldRules[]
  /** Collections that fields refer to, by dotted path. */
  relations: ReadonlyMap<string, string>
  indexes: readonly ParsedIndex[]
  queryIndexes: CollectionIndexes
  /** Why what is stored does not compile. Such a collection is closed to everybody until it is declared anew. */
  faults: readonly Issue[] | undefined
}

/** Compiles a declaration; throws 400 with the path of every fault in schema, indexes, rules and fields. */
export function compileCollection(
  project: Pick<Project, 'id' | 'ref'>,
  name: string,
  definition: CompleteDefinition,
): Collection {
  const issues: Issue[] = []
  const builtIn = builtInCollections.get(name)
  const collected = <T>(compile: () => T): T | undefined => collectIssues(issues, compile)

  const validate = collected(() =>
    definition.schema === null ? undefined : compileSchema(definition.schema, 'schema'),
  )
  const indexes = collected(() => parseIndexes(definition.indexes)) ?? []
  const rules: Collection['rules'] = {}
  for (const action of actions) {
    const source = definition.rules[action]
    if (source === undefined) continue
    const rule = collected(() =>
      compileRule(source, `rules.${action}`, writes.has(action) ? 'writing' : 'reading'),
    )
    if (rule !== undefined) rules[action] = rule
  }
  const fieldRules = Object.entries(definition.fields).flatMap(([path, { read, write, relation }]) => {
    const at = `fields.${path}`
    const parsed = collected(() => parseFieldPath(path, at))
    if (relation !== undefined && parsed !== undefined && parsed.length > 1) {
      issues.push({
        path: `${at}.relation`,
        code: 'nested',
        message: 'is for fields at the top of a document',
      })
    }
    if (parsed === undefined || (read === undefined && write === undefined)) return []
    const readRule =
      read === undefined ? undefined : collected(() => compileRule(read, `${at}.read`, 'reading'))
    const writeRule =
      write === undefined ? undefined : collected(() => compileRule(write, `${at}.write`, 'writing'))
    return [{ path: parsed, ...(readRule && { read: readRule }), ...(writeRule && { write: writeRule }) }]
  })
  if (issues.length > 0) throw invalidRequest(issues)
  return {
    name,
    table: builtIn?.table(project) ?? `${quoteName(projectSchema(project))}.${quoteName(name)}`,
    builtIn,
    definition,
    validate,
    rules,
    fieldRules,
    relations: relationsOf(definition),
    indexes,
    queryIndexes: collectionIndexes(indexes),
    faults: undefined,
  }
}

/** What stands for a stored declaration that does not compile (any more): its table and what is known of its indexes. */
export function brokenCollection(
  project: Pick<Project, 'id' | 'ref'>,
  name: string,
  definition: CompleteDefinition,
  faults: readonly Issue[],
): Collection {
  const nothing = { schema: null, indexes: [], rules: {}, fields: {} }
  const indexes = collectIssues([], () => parseIndexes(definition.indexes)) ?? []
  return {
    ...compileCollection(project, name, nothing),
    definition,
    indexes,
    queryIndexes: collectionIndexes(indexes),
    faults,
  }
}

const writes: ReadonlySet<Action> = new Set(['create', 'update', 'delete'])

function compileRule(source: string, path: string, when: keyof typeof documentVariables): Rule {
  const expression = parseRule(source, { path, variables: documentVariables[when] })
  return {
    source,
    expression,
    predicate: compilePredicate(expression),
    usesDocument: usesDocument(expression),
  }
}

function relationsOf(definition: CompleteDefinition): Map<string, string> {
  const relations = new Map<string, string>()
  for (const [path, { relation }] of Object.entries(definition.fields)) {
    if (relation !== undefined) relations.set(path, relation)
  }
  return relations
}

/** Faults are gathered, so that one answer names all of them. */
function collectIssues<T>(issues: Issue[], compile: () => T): T | undefined {
  try {
    return compile()
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'invalid_request') throw error
    issues.push(...error.errors)
    return undefined
  }
}
