import { invalidValue } from '../../platform/errors.ts'
import { allOf, type Expression } from '../../query/expression.ts'
import { parseFilter } from '../../query/parse-filter.ts'
import { orderOf, type SortKey } from '../../query/parse-sort.ts'
import { fieldPaths } from '../../query/walk-expression.ts'
import { visibleBy } from '../ask-rule.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { ruleRefused } from '../errors.ts'
import { countDocuments } from './count-documents.ts'
import { guardedFields, refuseHiddenPaths } from './field-access.ts'
import { parseInclude } from './parse-include.ts'
import { presentDocuments, type Shape } from './present-documents.ts'
import { parseFields } from './select-fields.ts'
import { documentObject, documentText } from '../stored-document.ts'
import { type Page, selectPage } from './select-page.ts'

/** A query as it comes in, from a query string (with `where` parsed) or a body. */
export interface QueryInput {
  where?: unknown
  sort?: string | readonly string[]
  limit?: number
  after?: string
  fields?: string | readonly string[]
  include?: string | readonly string[]
  count?: boolean
}

/** A query that was checked: everything in it may be asked by this caller. */
export interface CheckedQuery {
  /** What is asked for and what may be seen, in one condition. */
  condition: Expression
  sort: SortKey[]
  limit: number
  after: string | undefined
  shape: Shape
}

/** Answers `{ documents, nextCursor, count? }` as JSON text. */
export async function queryDocuments(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  input: QueryInput,
): Promise<string> {
  const { db } = documents.services
  const query = checkQuery(documents, caller, collection, input)
  const [page, count] = await Promise.all([
    selectPage(documents, documents.statements, caller, collection, query),
    input.count === true ? countDocuments(documents, db, caller, collection, query.condition) : undefined,
  ])
  const shown = await presentPage(documents, caller, collection, page, query.shape)
  const total = count === undefined ? '' : `,"count":${count}`
  return `{"documents":[${shown}],"nextCursor":${JSON.stringify(page.nextCursor)}${total}}`
}

/** Mostly the documents go out as they are stored; only what hides or adds fields parses them. */
async function presentPage(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  page: Page,
  shape: Shape,
): Promise<string> {
  const { guarded, include, fields } = shape
  if (guarded.length === 0 && include.size === 0 && fields === undefined) {
    return page.documents.map(documentText).join(',')
  }
  const found = page.documents.map(documentObject)
  const shown = await presentDocuments(documents, documents.services.db, caller, collection, found, shape)
  return shown.map((document) => JSON.stringify(document)).join(',')
}

/** Parses a query and refuses what the caller may not ask. Throws 400 with every fault, 403 by rule. */
function checkQuery(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  input: QueryInput,
): CheckedQuery {
  const { limits } = documents.services.config
  const filter = parseFilter(input.where, { limits })
  const sort = orderOf(filter, input.sort)
  const guarded = guardedFields(caller, collection)
  refuseHiddenPaths(guarded, [
    ...fieldPaths(filter, collection.queryIndexes.search),
    ...sort.map((key) => key.path),
  ])
  return {
    condition: listCondition(caller, collection, filter),
    sort,
    limit: checkLimit(input.limit, limits),
    after: input.after,
    shape: { guarded, include: parseInclude(input.include), fields: parseFields(input.fields) },
  }
}

/** Throws 403 when the rules let this caller list nothing at all. */
export function listCondition(caller: Caller, collection: Collection, filter: Expression): Expression {
  const visible = visibleBy(caller, collection, 'list')
  if (visible.kind === 'literal' && visible.value !== true) throw ruleRefused('list', collection.name)
  return allOf([visible, filter])
}

export function checkLimit(
  limit: number | undefined,
  limits: { pageDefault: number; pageMax: number },
): number {
  if (limit === undefined) return limits.pageDefault
  if (limit < 1 || limit > limits.pageMax) {
    throw invalidValue('limit', `must be from 1 to ${limits.pageMax}`, 'out_of_range')
  }
  return limit
}
