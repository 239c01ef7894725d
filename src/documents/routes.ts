import type { HttpServer } from '../platform/http-server.ts'
import { registerBulkRoutes } from './bulk-routes.ts'
import { registerCollectionRoutes } from './collection-routes.ts'
import { registerDocumentRoutes } from './document-routes.ts'
import type { Documents } from './documents.ts'

/** Collections and their documents. */
export function registerDocuments(app: HttpServer, documents: Documents): void {
  registerCollectionRoutes(app, documents)
  registerDocumentRoutes(app, documents)
  registerBulkRoutes(app, documents)
}
