import type { CallOptions, CallResult, TestProject } from '../support/server.ts'

/** A collection of a test project, with a method for each call on its documents. The secret key calls unless told. */
export interface TestDocuments {
  create(body: unknown, options?: CallOptions): Promise<CallResult>
  get(id: string, options?: CallOptions & { query?: string }): Promise<CallResult>
  patch(id: string, body: unknown, options?: CallOptions): Promise<CallResult>
  put(id: string, body: unknown, options?: CallOptions): Promise<CallResult>
  remove(id: string, options?: CallOptions): Promise<CallResult>
  /** `GET …?where=…`, with each value as it stands in the address. */
  list(query?: Record<string, string>, options?: CallOptions): Promise<CallResult>
  query(body: unknown, options?: CallOptions): Promise<CallResult>
  aggregate(body: unknown, options?: CallOptions): Promise<CallResult>
}

export function documentsOf(project: TestProject, collection: string): TestDocuments {
  const base = `/collections/${collection}/documents`
  const at = (id: string) => `${base}/${encodeURIComponent(id)}`
  return {
    create: (body, options) => project.call('POST', base, { body, ...options }),
    get: (id, { query = '', ...options } = {}) => project.call('GET', `${at(id)}${query}`, options),
    patch: (id, body, options) => project.call('PATCH', at(id), { body, ...options }),
    put: (id, body, options) => project.call('PUT', at(id), { body, ...options }),
    remove: (id, options) => project.call('DELETE', at(id), options),
    list: (query = {}, options) =>
      project.call('GET', `${base}?${new URLSearchParams(query).toString()}`, options),
    query: (body, options) => project.call('POST', `${base}/query`, { body, ...options }),
    aggregate: (body, options) => project.call('POST', `${base}/aggregate`, { body, ...options }),
  }
}

/** The paths and codes of a problem, `['title required']`. */
export function faultsOf({ body }: CallResult): string[] {
  return body.errors.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`)
}

/** The ids of an answer to a query, in its order. */
export function idsOf({ body }: CallResult): string[] {
  return body.documents.map(({ id }: { id: string }) => id)
}
