import type { TestServer } from '../support/server.ts'
import { requests, type ValidRequest } from './requests.ts'
import type { Victim } from './victim.ts'

/** An operation of the served OpenAPI document, with a request for it that succeeds. */
export interface Operation {
  id: string
  method: string
  /** As OpenAPI writes it: `/v1/projects/{ref}`. */
  pattern: string
  parameters: { name: string; in: string }[]
  bodySchema: object | undefined
  request: ValidRequest
}

/** Throws when a route has no request in the table: new routes can't be forgotten. */
export async function readOperations(server: TestServer): Promise<Operation[]> {
  const { body } = await server.call('GET', '/openapi.json')
  const operations: Operation[] = []
  for (const [pattern, methods] of Object.entries<Record<string, never>>(body.paths)) {
    for (const [method, described] of Object.entries<Record<string, never>>(methods)) {
      const id: string = described['operationId'] ?? `${method} ${pattern}`
      const request = requests.get(id)
      if (request === undefined) throw new Error(`test/isolation/requests.ts knows no request for ${id}`)
      const schema = described['requestBody']?.['content']?.['application/json']?.['schema']
      const parameters = described['parameters'] ?? []
      operations.push({ id, method: method.toUpperCase(), pattern, parameters, bodySchema: schema, request })
    }
  }
  const order = [...requests.keys()]
  return operations.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id))
}

export interface BuiltRequest {
  method: string
  url: string
  /** JSON text, or that of the request's own content type. */
  body: string | undefined
  headers: Record<string, string>
}

/** @param names replaces names in the path: to knock at one's own door with somebody else's names */
export function buildRequest(
  { method, pattern, request }: Operation,
  victim: Victim,
  names: Record<string, string> = {},
): BuiltRequest {
  const values = { ...request.path?.(victim), ...names }
  const path = pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
  const query = request.query === undefined ? '' : `?${new URLSearchParams(request.query).toString()}`
  const body = request.body?.(victim)
  return {
    method,
    url: path + query,
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    headers: body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' },
  }
}
