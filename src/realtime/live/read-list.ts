import type { StoredDocument } from '../../documents/committer/planned-write.ts'
import type { Documents } from '../../documents/documents.ts'
import { selectListAt } from '../../documents/reading/live-query.ts'
import { documentObject } from '../../documents/stored-document.ts'
import type { JsonObject } from '../../query/json.ts'
import { keysOfDocument } from '../../query/sort-documents.ts'
import { documentTexts, type KnownTexts } from './list-messages.ts'
import type { PlacedDocument } from './list-window.ts'
import type { LoggedDocument } from './logged-change.ts'
import type { ViewPlan } from './view-plan.ts'

/** A list as PostgreSQL has it right after a change. */
export interface ReadList {
  readonly seq: number
  /** In order. Those beyond the limit serve to tell what the list was before. */
  readonly placed: readonly PlacedDocument[]
  /** Whether there are no others. */
  readonly isAll: boolean
  readonly texts: KnownTexts
}

export async function readList(documents: Documents, plan: ViewPlan, rows: number): Promise<ReadList> {
  const { caller, collection, query } = plan
  const { seq, documents: found } = await selectListAt(documents, caller, collection, query, rows)
  const texts = await marksByText(documents, plan, found)
  const placed = found.map((document) => place(plan, document, documentObject(document), texts.get(document)))
  return { seq, placed, isAll: found.length < rows, texts }
}

/** A document of the log with its place in the list. */
export function placeLogged(plan: ViewPlan, { stored, object }: LoggedDocument): PlacedDocument {
  return place(plan, stored, object)
}

function place(
  { query }: ViewPlan,
  document: StoredDocument,
  object: JsonObject,
  mark = markOf(document),
): PlacedDocument {
  return { entry: { id: document.id, keys: keysOfDocument(query.sort, object), mark }, document }
}

/** Two states of a document under one id differ in it, also when it was deleted and made anew in between. */
function markOf({ version, createdAt }: StoredDocument): string {
  return `${version} ${createdAt}`
}

/** Where rules of fields may show more or less of a document that has not changed, what is shown is its mark. */
async function marksByText(
  documents: Documents,
  plan: ViewPlan,
  found: readonly StoredDocument[],
): Promise<KnownTexts> {
  if (plan.kind === 'followed' || plan.query.guarded.length === 0) return new Map()
  const texts = await documentTexts(documents, plan, found)
  return new Map(found.map((document, at) => [document, texts[at] ?? '']))
}
