import { projectSchema } from '../../projects/project.ts'
import { quoteName } from '../../platform/sql.ts'
import { allOf, documentPath, type Expression, literal } from '../../query/expression.ts'
import type { FieldPath } from '../../query/field-path.ts'
import { parseFilter } from '../../query/parse-filter.ts'
import { orderOf, parseSort, type SortKey } from '../../query/parse-sort.ts'
import { fieldPaths, usesTime } from '../../query/walk-expression.ts'
import { visibleBy } from '../ask-rule.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { StoredDocument } from '../committer/planned-write.ts'
import type { Documents } from '../documents.ts'
import { ruleRefused } from '../errors.ts'
import { type DocumentRow, readRow } from '../stored-document.ts'
import { checkId } from '../writing/plan-write.ts'
import { type GuardedField, guardedFields, refuseHiddenPaths } from './field-access.ts'
import { checkLimit, type QueryInput } from './query-documents.ts'
import { pageStatement } from './select-page.ts'
import { parseFields } from './select-fields.ts'

/** What is asked for: a query, or one document by its id. */
export type LiveInput = Pick<QueryInput, 'where' | 'sort' | 'limit' | 'fields'> & { document?: string }

/** A query to be followed, checked for its caller as it is now. */
export interface LiveQuery {
  /** What the caller may see, `auth` and `request` put in. */
  visible: Expression
  /** What is asked for. */
  filter: Expression
  sort: readonly SortKey[]
  limit: number
  fields: readonly FieldPath[] | undefined
  guarded: readonly GuardedField[]
  /** Whether a rule looks at the clock, so that the answer changes without a write. */
  isTimed: boolean
}

/**
 * Checks a query as `queryDocuments` does, or a read of one document as `getDocument` does. Throws 400 with every
 * fault, and 403 when the rules let this caller list nothing at all.
 */
export function checkLiveQuery(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  input: LiveInput,
): LiveQuery {
  const { limits } = documents.services.config
  const isOne = input.document !== undefined
  const filter = isOne ? hasId(checkId(input.document)) : parseFilter(input.where, { limits })
  const sort = isOne ? parseSort('id') : orderOf(filter, input.sort)
  const guarded = guardedFields(caller, collection)
  refuseHiddenPaths(guarded, [
    ...fieldPaths(filter, collection.queryIndexes.search),
    ...sort.map((key) => key.path),
  ])
  const action = isOne ? 'read' : 'list'
  const visible = visibleBy(caller, collection, action)
  // One document that may not be read looks like one that is not there.
  if (!isOne && visible.kind === 'literal' && visible.value !== true) {
    throw ruleRefused('list', collection.name)
  }
  const rules = [collection.rules[action], ...guarded.map(({ rule }) => rule)]
  return {
    visible,
    filter,
    sort,
    limit: isOne ? 1 : checkLimit(input.limit, limits),
    fields: parseFields(input.fields),
    guarded,
    isTimed: rules.some((rule) => rule !== undefined && usesTime(rule.expression)),
  }
}

function hasId(id: string): Expression {
  return { kind: 'compare', operator: 'eq', left: documentPath(['id']), right: literal(id) }
}

/** A list as it stood right after a certain change. */
export interface ListAt {
  /** The number of the last change that the list contains. */
  seq: number
  documents: StoredDocument[]
}

/** At most so many documents of a live query, in its order. */
export async function selectListAt(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  { visible, filter, sort }: LiveQuery,
  rows: number,
): Promise<ListAt> {
  const condition = allOf([visible, filter])
  const page = await pageStatement(documents, caller, collection, { condition, sort }, rows)
  // A statement sees one moment: the documents are those that the log tells of up to this number.
  const text = `
    SELECT head.seq, page.*
    FROM ${quoteName(projectSchema(caller.project))}._head AS head
    LEFT JOIN LATERAL (${page.text}) AS page ON TRUE`
  const found = await documents.statements.run<[seq: string, ...row: DocumentRow]>({ ...page, text })
  return {
    seq: Number(found[0]?.[0] ?? 0),
    documents: found.flatMap(([, ...row]) => (row[0] === null ? [] : [readRow(row)])),
  }
}
