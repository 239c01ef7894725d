import { rawRequest } from '../raw-request.ts'
import { asApp, type collections, type FunctionsServer } from './start-functions.ts'

/** Requests of an app that create small documents. */
export function makeCreates(
  { project }: FunctionsServer,
  collection: (typeof collections)[number],
  count: number,
): string[] {
  return Array.from({ length: count }, (_, at) =>
    rawRequest({
      method: 'POST',
      path: `/v1/projects/${project.ref}/collections/${collection}/documents`,
      headers: asApp(project),
      body: { item: `item ${at}`, amount: 1 + (at % 100) },
    }),
  )
}
