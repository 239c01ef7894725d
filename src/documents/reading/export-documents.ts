import { inTransaction } from '../../platform/database.ts'
import { documentText } from '../stored-document.ts'
import { runAlone } from '../../platform/share-statements.ts'
import { orderOf } from '../../query/parse-sort.ts'
import { parseFilter } from '../../query/parse-filter.ts'
import type { Caller } from '../caller.ts'
import type { Collection } from '../collections/collection.ts'
import type { Documents } from '../documents.ts'
import { guardedFields } from './field-access.ts'
import { listCondition } from './query-documents.ts'
import { selectPage } from './select-page.ts'

const pageSize = 500

/**
 * All documents that match, one JSON text a line, as they stood at one moment. Memory holds one page of them;
 * the reader's pace sets that of the database.
 */
export async function exportDocuments(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  where: unknown,
  writeLine: (lines: string) => Promise<void>,
): Promise<void> {
  const filter = parseFilter(where)
  const condition = listCondition(caller, collection, filter)
  const sort = orderOf(filter, undefined)
  const shape = { guarded: guardedFields(caller, collection), include: new Map(), fields: undefined }
  await inTransaction(
    documents.services.db,
    async (tx) => {
      let after: string | undefined
      do {
        const query = { condition, sort, limit: pageSize, after, shape }
        const page = await selectPage(documents, runAlone(tx), caller, collection, query)
        if (page.documents.length > 0) await writeLine(`${page.documents.map(documentText).join('\n')}\n`)
        after = page.nextCursor ?? undefined
      } while (after !== undefined)
    },
    { isolation: 'REPEATABLE READ', readOnly: true },
  )
}
