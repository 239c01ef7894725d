import { memoryStorage } from '../auth/auth-storage.ts'
import { type Basalt, createClient } from '../client.ts'
import type { UntypedSchema } from '../define-schema.ts'
import {
  definitionMark,
  type FunctionContext,
  type FunctionDefinition,
  type FunctionLog,
  type FunctionUser,
  isRejection,
} from './definition.ts'
import { createProgress } from './tell-progress.ts'
import { captureConsole, type LogScope, type Storage } from './write-log.ts'

/** What the server says about a call. */
interface Call {
  kind: string
  project: string
  input?: unknown
  url?: string
  auth: FunctionUser | null
  caller: FunctionContext['caller']
  event: FunctionContext['event']
}

interface HostContext {
  readonly props: {
    readonly invocation: string
    readonly platform: { fetch(request: Request): Promise<Response> }
  }
  waitUntil(work: Promise<unknown>): void
}

interface WorkerModule {
  fetch(request: Request, env: Record<string, string>, ctx: HostContext): Promise<Response>
}

/**
 * The worker round a function's module, inside its isolate: reads the call, gives the handler its context, and turns
 * what it returns or throws into an answer for the server.
 */
export function serveFunction(storage: Storage<LogScope>, load: () => Promise<unknown>): WorkerModule {
  const log = captureConsole(storage)
  let definition: FunctionDefinition | undefined

  async function run(request: Request, env: Record<string, string>, host: HostContext): Promise<Response> {
    const progress = createProgress((body) =>
      host.props.platform.fetch(new Request('http://basalt/progress', { method: 'POST', body })),
    )
    try {
      definition ??= definitionIn(await load())
      const isHttp = request.headers.has('x-basalt-call')
      const call: Call = isHttp ? readHeader(request) : await request.json()
      if (call.kind === 'describe') return resultOf({ kind: definition.kind, settings: definition.settings })
      const subject = isHttp ? publicRequest(request, call) : call.input
      const ctx = createContext(call, env, host, log, progress.tell, request.signal)
      const answer: unknown = await definition.handler(subject as never, ctx as never)
      return isHttp ? httpAnswer(answer) : resultOf(answer)
    } catch (error) {
      return failed(error)
    } finally {
      await progress.told()
    }
  }

  return {
    fetch: (request, env, host) =>
      storage.run({ invocation: host.props.invocation, lines: 0, characters: 0 }, () =>
        run(request, env, host),
      ),
  }
}

function definitionIn(module: unknown): FunctionDefinition {
  const exported = (module as { default?: unknown }).default
  if (typeof exported === 'object' && exported !== null && definitionMark in exported) {
    return exported as FunctionDefinition
  }
  throw new TypeError(
    'The module has no default export made by callable(), http() or another maker of functions',
  )
}

function createContext(
  call: Call,
  env: Record<string, string>,
  host: HostContext,
  log: FunctionLog,
  progress: FunctionContext['progress'],
  signal: AbortSignal,
): FunctionContext {
  let service: Basalt<UntypedSchema> | undefined
  const connect = (as: string): Basalt<UntypedSchema> =>
    createClient({
      url: 'http://basalt',
      project: call.project,
      // The server knows the function by the way that its requests take.
      key: 'function',
      auth: { storage: memoryStorage() },
      fetch(url, init) {
        const request = new Request(url, init)
        request.headers.set('x-basalt-as', as)
        return host.props.platform.fetch(request)
      },
    })
  return {
    get basalt() {
      return (service ??= connect('function'))
    },
    auth: call.auth,
    caller: call.caller,
    as(user) {
      if (call.auth === null || user?.uid !== call.auth.uid) {
        throw new TypeError('ctx.as takes the user who calls: ctx.auth')
      }
      return connect('caller')
    },
    env,
    log,
    event: call.event,
    signal,
    progress,
    waitUntil: (work) => host.waitUntil(work),
  }
}

/** The request as it came to the public address. */
function publicRequest(request: Request, { url = request.url }: Call): Request {
  const headers = withoutOurs(request.headers)
  return new Request(url, {
    method: request.method,
    headers,
    body: request.body,
    signal: request.signal,
    redirect: 'manual',
  })
}

function httpAnswer(answer: unknown): Response {
  if (!(answer instanceof Response)) throw new TypeError('An HTTP function must return a Response')
  const headers = withoutOurs(answer.headers)
  headers.set('x-basalt-answer', 'function')
  return new Response(answer.body, { status: answer.status, headers })
}

/** The headers that are not between the server and this wrapper. */
function withoutOurs(headers: Headers): Headers {
  const kept = new Headers()
  headers.forEach((value, name) => {
    if (!name.startsWith('x-basalt-')) kept.append(name, value)
  })
  return kept
}

function resultOf(output: unknown): Response {
  return new Response(JSON.stringify({ output: output ?? null }), {
    headers: { 'x-basalt-answer': 'result' },
  })
}

function failed(thrown: unknown): Response {
  const error = describe(thrown)
  return new Response(JSON.stringify({ error }), { headers: { 'x-basalt-answer': 'error' } })
}

/** Anything can be thrown, and looking at it may throw again. */
function describe(thrown: unknown): { name: string; message: string; stack?: string; rejected?: true } {
  try {
    if (isRejection(thrown)) return { name: 'Rejection', message: text(thrown.message), rejected: true }
    if (thrown instanceof Error) {
      return { name: text(thrown.name), message: text(thrown.message), stack: text(thrown.stack) }
    }
    return { name: 'Error', message: text(thrown) }
  } catch {
    return { name: 'Error', message: 'something was thrown that can not be shown' }
  }
}

function text(value: unknown): string {
  return String(value).slice(0, 8_000)
}

function readHeader(request: Request): Call {
  const bytes = Uint8Array.from(atob(request.headers.get('x-basalt-call') ?? ''), (char) =>
    char.charCodeAt(0),
  )
  return JSON.parse(new TextDecoder().decode(bytes))
}
