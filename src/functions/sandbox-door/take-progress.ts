import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LiveInvocation } from '../calls/invocations.ts'

// What tasks keep of it is bounded too; here it is read.
const maxBytes = 4_096

/** What a task says of how far it is. What can't be kept is dropped: it is news, and nothing depends on it. */
export async function takeProgress(
  { progress }: LiveInvocation,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const text = await readText(request)
    if (text !== undefined) progress?.(JSON.parse(text))
  } catch {
    // It broke off, is no JSON, or no progress.
  }
  response.writeHead(204).end()
}

/** Undefined when it is too long. */
async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes <= maxBytes) chunks.push(part)
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks).toString()
}
