import type { Transport } from './transport.ts'

export interface ImportOptions {
  /**
   * What happens to a document whose id is taken: it counts as failed (`error`, the default), or is replaced.
   * Only replacing documents that name their ids can be repeated, by hand or after a broken connection.
   */
  readonly onConflict?: 'error' | 'replace'
  /** Documents a request, at most. Default 1,000. */
  readonly batchSize?: number
  /** Told after each request. */
  readonly onProgress?: (summary: ImportSummary) => void
  readonly signal?: AbortSignal
}

/** A document that was not imported. */
export interface ImportFault {
  /** Counts the documents given, from 1. */
  line: number
  code: string
  message: string
}

export interface ImportSummary {
  imported: number
  failed: number
  /** The first hundred of each request, a thousand in all. */
  errors: ImportFault[]
}

const largestBatch = 1_000
const longestBatchInCharacters = 1_000_000
const mostFaultsKept = 1_000

/**
 * Sends documents as NDJSON, a batch a request: streamed request bodies would need HTTP/2 in Chrome
 * and don't exist in Firefox, Safari and React Native, and a batch can be retried.
 */
export async function importDocuments(
  transport: Transport,
  documentsPath: string,
  documents: Iterable<object> | AsyncIterable<object>,
  { onConflict, batchSize = largestBatch, onProgress, signal }: ImportOptions,
): Promise<ImportSummary> {
  const total: ImportSummary = { imported: 0, failed: 0, errors: [] }
  let sent = 0
  for await (const { lines, haveIds } of batches(documents, batchSize)) {
    const part = await transport.json<ImportSummary>({
      method: 'POST',
      path: `${documentsPath}/import`,
      query: { onConflict },
      ndjson: lines.join('\n') + '\n',
      once: !(haveIds && onConflict === 'replace'),
      signal,
    })
    total.imported += part.imported
    total.failed += part.failed
    for (const fault of part.errors) {
      if (total.errors.length < mostFaultsKept) total.errors.push({ ...fault, line: fault.line + sent })
    }
    sent += lines.length
    onProgress?.(total)
  }
  return total
}

interface Batch {
  lines: string[]
  length: number
  /** Every document names its id. */
  haveIds: boolean
}

async function* batches(
  documents: Iterable<object> | AsyncIterable<object>,
  batchSize: number,
): AsyncGenerator<Batch, void, undefined> {
  const empty = (): Batch => ({ lines: [], length: 0, haveIds: true })
  let batch = empty()
  for await (const document of documents) {
    const line = JSON.stringify(document)
    const isFull = batch.lines.length >= batchSize || batch.length + line.length > longestBatchInCharacters
    if (isFull && batch.lines.length > 0) {
      yield batch
      batch = empty()
    }
    batch.lines.push(line)
    batch.length += line.length
    batch.haveIds &&= 'id' in document
  }
  if (batch.lines.length > 0) yield batch
}
