import { PassThrough } from 'node:stream'
import { Type } from 'typebox'
import { acceptNdjson, isNdjson } from '../platform/accept-ndjson.ts'
import { invalidValue } from '../platform/errors.ts'
import type { HttpServer } from '../platform/http-server.ts'
import { callerOf } from './caller.ts'
import type { Documents } from './documents.ts'
import { exportDocuments } from './reading/export-documents.ts'
import { writeToReader } from './reading/write-to-reader.ts'
import { CollectionParams, TransactionBody, projectRef } from './schemas.ts'
import { answerOnce, idempotencyKey } from './writing/answer-once.ts'
import { importDocuments } from './writing/import-documents.ts'
import { runTransaction } from './writing/run-transaction.ts'

const documentsOf = '/v1/projects/:ref/collections/:collection/documents'
const tags = ['Documents']

/** Many documents in one request: transactions, and streams in and out for servers. */
export function registerBulkRoutes(app: HttpServer, documents: Documents): void {
  const { db, config } = documents.services

  app.route({
    method: 'POST',
    url: '/v1/projects/:ref/transactions',
    config: { access: { door: 'project', scope: 'documents:write', clients: true } },
    schema: {
      operationId: 'runTransaction',
      summary: 'Write several documents, all or nothing',
      tags,
      params: Type.Object({ ref: projectRef }),
      body: TransactionBody,
    },
    async handler(request, reply) {
      const { operations } = request.body
      const most = config.limits.transactionOperations
      if (operations.length > most)
        throw invalidValue('operations', `holds more than ${most} operations`, 'too_many')
      const caller = callerOf(request)
      const { method, url, body } = request
      const key = idempotencyKey(caller, request.headers['idempotency-key'], { method, url, body })
      const answer = await answerOnce(db, caller, key, () =>
        runTransaction(documents, caller, operations, key),
      )
      if (answer.isReplayed === true) void reply.header('idempotency-replayed', 'true')
      return reply.header('content-type', 'application/json; charset=utf-8').send(answer.body)
    },
  })

  // In a scope of its own: on any other route a stream in the place of a body would be taken for an object.
  void app.register(async (scoped: HttpServer) => registerImport(scoped, documents))

  app.route({
    method: 'GET',
    url: `${documentsOf}/export`,
    config: { access: { door: 'project', scope: 'documents:read' } },
    schema: {
      operationId: 'exportDocuments',
      summary: 'All documents as NDJSON, as they stood at one moment',
      produces: ['application/x-ndjson'],
      tags,
      params: CollectionParams,
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const collection = await documents.catalog.get(caller.project, request.params.collection)
      const stream = new PassThrough()
      const write = writeToReader(stream)
      const work = () => exportDocuments(documents, caller, collection, undefined, write)
      documents.longSessions(work).then(
        () => stream.end(),
        // An answer that has begun can only be broken off: an end without an end mark tells the reader.
        (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
      )
      return reply.header('content-type', 'application/x-ndjson').send(stream)
    },
  })
}

function registerImport(app: HttpServer, documents: Documents): void {
  acceptNdjson(app)
  app.route({
    method: 'POST',
    url: `${documentsOf}/import`,
    config: { access: { door: 'project', scope: 'documents:write' } },
    bodyLimit: Number.MAX_SAFE_INTEGER,
    schema: {
      operationId: 'importDocuments',
      summary: 'Store documents from NDJSON',
      consumes: ['application/x-ndjson'],
      tags,
      params: CollectionParams,
      querystring: Type.Object(
        { onConflict: Type.Optional(Type.Union([Type.Literal('error'), Type.Literal('replace')])) },
        { additionalProperties: false },
      ),
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const { name } = await documents.catalog.get(caller.project, request.params.collection)
      if (!isNdjson(request.body)) throw invalidValue('', 'must be application/x-ndjson', 'wrong_type')
      try {
        return await importDocuments(
          documents,
          caller,
          name,
          request.body,
          request.query.onConflict ?? 'error',
        )
      } catch (error) {
        // What comes after the failure is not read, so nothing else can come on this connection.
        void reply.header('connection', 'close')
        throw error
      }
    },
  })
}
