import type { Issue } from './basalt-error.ts'
import type { Transport } from './transport.ts'

export interface ImportOptions {
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
  errors?: Issue[]
}

export interface ImportSummary {
  imported: number
  failed: number
  /** The first thousand. */
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
  documents: Iterable<unknown> | AsyncIterable<unknown>,
  { batchSize = largestBatch, onProgress, signal }: ImportOptions,
): Promise<ImportSummary> {
  const total: ImportSummary = { imported: 0, failed: 0, errors: [] }
  let sent = 0
  for await (const lines of batches(documents, batchSize)) {
    const path = `${documentsPath}/import`
    const ndjson = lines.join('\n') + '\n'
    const part = await transport.json<ImportSummary>({ method: 'POST', path, ndjson, signal })
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

async function* batches(
  documents: Iterable<unknown> | AsyncIterable<unknown>,
  batchSize: number,
): AsyncGenerator<string[], void, undefined> {
  let lines: string[] = []
  let length = 0
  for await (const document of documents) {
    const line = JSON.stringify(document)
    if (lines.length === batchSize || (lines.length > 0 && length + line.length > longestBatchInCharacters)) {
      yield lines
      lines = []
      length = 0
    }
    lines.push(line)
    length += line.length
  }
  if (lines.length > 0) yield lines
}
