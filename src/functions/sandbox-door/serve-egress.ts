import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { OutboundError } from '../../platform/outbound-http.ts'
import { outboundStream } from '../../platform/outbound-stream.ts'
import type { Project } from '../../projects/project.ts'
import type { FunctionEntry } from '../deployments/function-entry.ts'
import type { Functions } from '../functions.ts'
import { forwardHeaders } from './forward-headers.ts'

const maxAtOnce = 100
const underWay = new Map<string, number>()

/**
 * A function's `fetch`. workerd has no network; here is the one place that decides where functions may connect to:
 * public addresses, or the hosts that the function itself declares. What is refused throws inside the function.
 */
export async function serveEgress(
  functions: Functions,
  project: Project,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const running = underWay.get(project.id) ?? 0
  underWay.set(project.id, running + 1)
  try {
    if (running >= maxAtOnce) throw new OutboundError('refused', `more than ${maxAtOnce} requests at once`)
    const url = targetOf(request)
    const name = String(request.headers['x-basalt-isolate']).split('@', 1)[0] ?? ''
    const entry = await entryOf(functions, project, name)
    if (entry === undefined || !mayReach(entry, url))
      throw new OutboundError('refused', `${url.host} is not allowed`)
    functions.usage.addOutbound(project.id, name)
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
    const answer = await outboundStream(functions.services.config, {
      url,
      method: request.method ?? 'GET',
      headers: forwardHeaders(request.headers),
      body: hasBody ? request : undefined,
      signal: gone.signal,
    })
    response.writeHead(answer.statusCode ?? 502, forwardHeaders(answer.headers))
    await pipeline(answer, response)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else refuse(response, error)
  } finally {
    const left = (underWay.get(project.id) ?? 1) - 1
    if (left > 0) underWay.set(project.id, left)
    else underWay.delete(project.id)
  }
}

function targetOf({ headers }: IncomingMessage): URL {
  const url = headers['x-basalt-url']
  if (typeof url !== 'string' || !URL.canParse(url)) throw new OutboundError('refused', 'not an address')
  return new URL(url)
}

/** What the active version says; a version that is on its way out has the rules of the one that replaces it. */
async function entryOf(
  functions: Functions,
  project: Project,
  name: string,
): Promise<FunctionEntry | undefined> {
  const release = await functions.versions.of(project)
  return release?.active.entries.get(name) ?? release?.next?.version.entries.get(name)
}

function mayReach({ settings: { outbound } }: FunctionEntry, { hostname, host }: URL): boolean {
  if (outbound === undefined) return true
  return outbound.some((allowed) =>
    allowed.startsWith('*.') ? hostname.endsWith(allowed.slice(1)) : allowed === hostname || allowed === host,
  )
}

function refuse(response: ServerResponse, error: unknown): void {
  const reason = error instanceof OutboundError && error.reason === 'refused' ? error.message : 'no answer'
  response.writeHead(502, { 'x-basalt-refused': encodeURIComponent(reason) })
  response.end()
}
