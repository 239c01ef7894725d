import { createServer, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import {
  type Basalt,
  type ClientOptions,
  createClient,
  type Schema,
  type UntypedSchema,
} from '../src/client.ts'

interface Seen {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string | string[] | undefined>
  body: string
}

type Answer = (response: ServerResponse, request: Seen) => void

/** A JSON answer. */
export function answer(status: number, body?: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
}

/** An error as the API sends it. */
export function problem(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return answer(status, { code, status, detail: `detail of ${code}`, requestId: 'r1', errors: [] }, headers)
}

/** Breaks the connection. */
export const drop: Answer = (response) => response.destroy()

/** Never answers. */
export const hang: Answer = () => {}

export interface ScriptedServer {
  /** Every request so far. */
  readonly seen: Seen[]
  client<S extends Schema = UntypedSchema>(options?: Partial<ClientOptions<S>>): Basalt<S>
}

/** A real HTTP server on loopback that gives these answers in turn, the last one for ever; gone with the test. */
export async function scriptedServer(...script: [Answer, ...Answer[]]): Promise<ScriptedServer> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const { method = '', headers } = request
      const query = Object.fromEntries(url.searchParams)
      seen.push({ method, path: url.pathname, query, headers, body })
      const next = script[Math.min(seen.length, script.length) - 1]
      next?.(response, seen.at(-1)!)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = `http://127.0.0.1:${address.port}`
  return { seen, client: (options) => createClient({ url, project: 'demo', key: 'pk_test', ...options }) }
}

/** What a promise was rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expectFailure(),
    (error: unknown) => error,
  )
}

function expectFailure(): never {
  throw new Error('it succeeded')
}
