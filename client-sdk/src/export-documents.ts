import { BasaltError, parseJson } from './basalt-error.ts'
import type { Transport } from './transport.ts'

/** Reads a collection as NDJSON, line by line as it arrives. */
export async function* exportDocuments<T>(
  transport: Transport,
  documentsPath: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const response = await transport.stream({ method: 'GET', path: `${documentsPath}/export`, signal })
  for await (const line of readLines(response, signal)) {
    if (line !== '') yield parseJson(line, response.status)
  }
}

async function* readLines(
  response: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  // React Native has no streams.
  if (!response.body) return yield* (await response.text().catch(connectionBroke)).split('\n')

  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  const stop = () => void reader.cancel().catch(() => {})
  signal?.addEventListener('abort', stop)
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(connectionBroke)
      signal?.throwIfAborted()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      const lines = rest.split('\n')
      if (done) return yield* lines
      rest = lines.pop() ?? ''
      yield* lines
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    // Also when the caller leaves the loop early.
    stop()
  }
}

function connectionBroke(cause: unknown): never {
  throw new BasaltError('network', 'The connection broke before the export was complete.', { cause })
}
