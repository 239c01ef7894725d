import type { StoredDocument } from '../../documents/committer/planned-write.ts'
import type { Documents } from '../../documents/documents.ts'
import { presentDocuments } from '../../documents/reading/present-documents.ts'
import { documentObject, documentText } from '../../documents/stored-document.ts'
import type { ListChange } from './list-window.ts'
import type { ViewPlan } from './view-plan.ts'

/** Texts of documents that were made already. */
export type KnownTexts = ReadonlyMap<StoredDocument, string>

const none: KnownTexts = new Map()

/** Documents as those who follow the view may see them. Mostly that is the stored text. */
export async function documentTexts(
  documents: Documents,
  { caller, collection, query }: ViewPlan,
  shown: readonly StoredDocument[],
  known: KnownTexts = none,
): Promise<string[]> {
  const { guarded, fields } = query
  if (guarded.length === 0 && fields === undefined) return shown.map(documentText)
  const unknown = shown.filter((document) => !known.has(document))
  const presented = await presentDocuments(
    documents,
    documents.services.db,
    caller,
    collection,
    unknown.map(documentObject),
    { guarded, fields, include: new Map() },
  )
  const made = new Map(unknown.map((document, at) => [document, JSON.stringify(presented[at])]))
  return shown.map((document) => known.get(document) ?? made.get(document) ?? '')
}

/** A place in the log and the view that it is for. */
export function cursorText(seq: number, { fingerprint }: ViewPlan): string {
  return `${seq}.${fingerprint}`
}

/** What stands behind the `id` of a `snapshot`. */
export async function snapshotText(
  documents: Documents,
  plan: ViewPlan,
  list: readonly StoredDocument[],
  seq: number,
  known?: KnownTexts,
): Promise<string> {
  const texts = await documentTexts(documents, plan, list, known)
  return `"documents":[${texts.join(',')}],"cursor":"${cursorText(seq, plan)}"}`
}

/** What stands behind the `id` of a `change`. */
export async function changeText(
  documents: Documents,
  plan: ViewPlan,
  changes: readonly ListChange[],
  seq: number,
  known?: KnownTexts,
): Promise<string> {
  const shown = changes.flatMap((change) => (change.kind === 'removed' ? [] : [change.document]))
  const texts = await documentTexts(documents, plan, shown, known)
  let next = 0
  const steps = changes.map((change) =>
    change.kind === 'removed'
      ? `{"kind":"removed","document":{"id":${JSON.stringify(change.id)}}}`
      : `{"kind":"${change.kind}","index":${change.index},"document":${texts[next++]}}`,
  )
  return `"changes":[${steps.join(',')}],"cursor":"${cursorText(seq, plan)}"}`
}
