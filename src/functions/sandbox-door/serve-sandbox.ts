import type { IncomingMessage, ServerResponse } from 'node:http'
import { unauthenticated } from '../../platform/errors.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { callChain } from '../calls/call-chain.ts'
import type { LiveInvocation } from '../calls/invocations.ts'
import type { Functions } from '../functions.ts'
import { serveEgress } from './serve-egress.ts'
import { takeProgress } from './take-progress.ts'

/** Hands a request to the API's own door, as if it had come from outside. */
export type ApiDoor = (request: IncomingMessage, response: ServerResponse) => void

/**
 * What comes through a project's socket: `/egress` is a function's `fetch`, `/api/…` is the API,
 * but for what a task says of its progress. The socket says
 * which project it is, the invocation which function and who called it; both are known here, and no header of the
 * function's own making says more.
 */
export function serveSandbox(
  functions: Functions,
  api: ApiDoor,
  project: Project,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { url = '', headers } = request
  if (url === '/egress') {
    void serveEgress(functions, project, request, response)
    return
  }
  const invocation = functions.invocations.find(String(headers['x-basalt-invocation']))
  if (!url.startsWith('/api/') || invocation?.project.id !== project.id) {
    response.writeHead(401).end()
    return
  }
  if (url === '/api/progress') {
    void takeProgress(invocation, request, response)
    return
  }
  const asCaller = headers['x-basalt-as'] === 'caller'
  for (const name of Object.keys(headers)) if (isOurs(name)) delete headers[name]
  // What the client puts there when it has no key.
  if (headers['x-api-key'] === 'function') delete headers['x-api-key']
  request.url = url.slice('/api'.length)
  functions.projects.insiders.set(request, {
    projectId: project.id,
    actor: asCaller ? () => callerOf(functions, invocation) : () => functionActor(invocation),
  })
  const token = asCaller ? invocation.auth.token : null
  const { depth, holdsLock } = invocation
  callChain.run({ depth: depth + 1, token, holdsLock }, () => api(request, response))
}

/** Forwarded-for and the like are believed from proxies; a function is none. */
function isOurs(name: string): boolean {
  return (
    name.startsWith('x-basalt-') ||
    name.startsWith('x-forwarded-') ||
    name === 'forwarded' ||
    name === 'cookie'
  )
}

function functionActor({ entry: { name, settings }, depth, holdsLock }: LiveInvocation): Actor {
  return { kind: 'function', name, scopes: settings.scopes ?? ['*'], depth, holdsLock }
}

/** As long as their session stands: asked anew each time. */
async function callerOf(functions: Functions, { auth, project }: LiveInvocation): Promise<Actor> {
  const user = auth.token === null ? null : await functions.projects.verifyToken(auth.token, project)
  if (user === null) throw unauthenticated('The user who called is not signed in any more.')
  return user
}
