import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import { invalidValue } from '../platform/errors.ts'
import type { HttpServer } from '../platform/http-server.ts'
import { isDeeperThan } from '../platform/json-depth.ts'
import { findPrototypeName } from '../platform/prototype-names.ts'
import type { JsonObject } from '../query/json.ts'
import { type Caller, callerOf } from './caller.ts'
import type { Documents } from './documents.ts'
import { etagOf, isKnownVersion, readPrecondition } from './preconditions.ts'
import { aggregateDocuments } from './reading/aggregate-documents.ts'
import { getDocument } from './reading/get-document.ts'
import { queryDocuments, type QueryInput } from './reading/query-documents.ts'
import {
  CollectionParams,
  DocumentBody,
  DocumentParams,
  ListQuery,
  QueryBody,
  ShapeQuery,
  documentAnswers,
  pageAnswer,
  readAnswers,
} from './schemas.ts'
import type { Answer, IdempotencyKey } from './writing/answer.ts'
import { answerOnce, idempotencyKey } from './writing/answer-once.ts'
import { createDocument } from './writing/create-document.ts'
import { deleteDocument } from './writing/delete-document.ts'
import { checkId } from './writing/plan-write.ts'
import { replaceDocument } from './writing/replace-document.ts'
import { updateDocument } from './writing/update-document.ts'
import type { Precondition } from './writing/write-context.ts'

const reads = { access: { door: 'project', scope: 'documents:read', clients: true } } as const
const writes = { access: { door: 'project', scope: 'documents:write', clients: true } } as const
const base = '/v1/projects/:ref/collections/:collection/documents'
const tags = ['Documents']
// What a filter compares with counts too; how deep its operators may stand is for the filter to say.
const maxWhereDepth = 100

interface ChangeTarget {
  caller: Caller
  id: string
  condition: Precondition
  key: IdempotencyKey
}

/** Documents of a collection: one by one, and as queries. */
export function registerDocumentRoutes(app: HttpServer, documents: Documents): void {
  const { db } = documents.services

  app.route({
    method: 'POST',
    url: base,
    config: writes,
    schema: {
      operationId: 'createDocument',
      summary: 'Create a document',
      tags,
      response: { 201: documentAnswers[201] },
      params: CollectionParams,
      body: DocumentBody,
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const key = keyOf(request)
      const create = () => createDocument(documents, caller, request.params.collection, body(request), key)
      return send(reply, await answerOnce(db, caller, key, create))
    },
  })

  app.route({
    method: 'GET',
    url: `${base}/:id`,
    config: reads,
    schema: {
      operationId: 'getDocument',
      summary: 'Read a document',
      tags,
      response: readAnswers,
      params: DocumentParams,
      querystring: ShapeQuery,
    },
    async handler(request, reply) {
      const caller = callerOf(request)
      const known = documents.catalog.get(caller.project, request.params.collection)
      const collection = known instanceof Promise ? await known : known
      const { body, version } = await getDocument(
        documents,
        caller,
        collection,
        checkId(request.params.id),
        request.query,
      )
      void reply.header('etag', etagOf(version))
      // What is included changes without the document.
      const isOwnContent = request.query.include === undefined
      if (isOwnContent && isKnownVersion(request.headers['if-none-match'], version))
        return reply.code(304).send(null)
      return sendJson(reply, body)
    },
  })

  app.route({
    method: 'PATCH',
    url: `${base}/:id`,
    config: writes,
    schema: {
      operationId: 'updateDocument',
      summary: 'Merge a patch into a document',
      tags,
      response: { 200: documentAnswers[200] },
      params: DocumentParams,
      body: DocumentBody,
    },
    async handler(request, reply) {
      const change = ({ caller, id, condition, key }: ChangeTarget) =>
        updateDocument(documents, caller, request.params.collection, id, body(request), condition, key)
      return send(reply, await changeOnce(request, change))
    },
  })

  app.route({
    method: 'PUT',
    url: `${base}/:id`,
    config: writes,
    schema: {
      operationId: 'replaceDocument',
      summary: 'Replace or create a document',
      tags,
      response: documentAnswers,
      params: DocumentParams,
      body: DocumentBody,
    },
    async handler(request, reply) {
      const change = ({ caller, id, condition, key }: ChangeTarget) =>
        replaceDocument(documents, caller, request.params.collection, id, body(request), condition, key)
      return send(reply, await changeOnce(request, change))
    },
  })

  app.route({
    method: 'DELETE',
    url: `${base}/:id`,
    config: writes,
    schema: { operationId: 'deleteDocument', summary: 'Delete a document', tags, params: DocumentParams },
    async handler(request, reply) {
      const change = ({ caller, id, condition, key }: ChangeTarget) =>
        deleteDocument(documents, caller, request.params.collection, id, condition, key)
      return send(reply, await changeOnce(request, change))
    },
  })

  app.route({
    method: 'GET',
    url: base,
    config: reads,
    schema: {
      operationId: 'listDocuments',
      summary: 'Query documents',
      tags,
      response: pageAnswer,
      params: CollectionParams,
      querystring: ListQuery,
    },
    async handler(request, reply) {
      const { where, key: _key, ...rest } = request.query
      const input = where === undefined ? rest : { ...rest, where: parseWhere(where) }
      return sendJson(reply, await query(request, request.params.collection, input))
    },
  })

  app.route({
    method: 'POST',
    url: `${base}/query`,
    config: reads,
    schema: {
      operationId: 'queryDocuments',
      summary: 'Query documents, with a body for long filters',
      tags,
      response: pageAnswer,
      params: CollectionParams,
      body: QueryBody,
    },
    async handler(request, reply) {
      return sendJson(reply, await query(request, request.params.collection, request.body))
    },
  })

  app.route({
    method: 'POST',
    url: `${base}/aggregate`,
    config: reads,
    schema: {
      operationId: 'aggregateDocuments',
      summary: 'Count, sum and compare groups of documents',
      tags,
      params: CollectionParams,
      body: DocumentBody,
    },
    async handler(request) {
      const caller = callerOf(request)
      const collection = await documents.catalog.get(caller.project, request.params.collection)
      return { groups: await aggregateDocuments(documents, caller, collection, request.body) }
    },
  })

  /** Writes to the document that the address names; an `Idempotency-Key` makes it happen once. */
  async function changeOnce(
    request: FastifyRequest<{ Params: Static<typeof DocumentParams> }>,
    change: (target: ChangeTarget) => Promise<Answer>,
  ): Promise<Answer> {
    const caller = callerOf(request)
    const key = keyOf(request)
    const condition = readPrecondition(request.headers)
    const target = { caller, id: checkId(request.params.id), condition, key }
    return answerOnce(db, caller, key, () => change(target))
  }

  async function query(request: FastifyRequest, name: string, input: QueryInput): Promise<string> {
    const caller = callerOf(request)
    return queryDocuments(documents, caller, await documents.catalog.get(caller.project, name), input)
  }
}

function keyOf(request: FastifyRequest): IdempotencyKey {
  const { method, url, body } = request
  const header = request.headers['idempotency-key']
  return idempotencyKey(callerOf(request), header, {
    method,
    url,
    ifMatch: request.headers['if-match'],
    body,
  })
}

/** The route's schema has seen that it is an object; what it holds came from JSON. */
function body(request: { body: unknown }): JsonObject {
  return request.body as JsonObject
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.isReplayed === true) void reply.header('idempotency-replayed', 'true')
  void reply.code(answer.status)
  if (answer.status === 204) return reply.send()
  // System fields come first, so the version is found without parsing a document that may be large.
  const version = /"version":\s?(\d+)/.exec(answer.body.slice(0, 300))?.[1]
  if (version !== undefined) void reply.header('etag', etagOf(Number(version)))
  return sendJson(reply, answer.body)
}

function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(text)
}

function parseWhere(text: string): unknown {
  if (isDeeperThan(text, maxWhereDepth)) {
    throw invalidValue('where', `is nested deeper than ${maxWhereDepth} levels`, 'too_deep')
  }
  let where: unknown
  try {
    where = JSON.parse(text)
  } catch (error) {
    throw invalidValue('where', `is not JSON: ${error instanceof Error ? error.message : ''}`, 'malformed')
  }
  const name = findPrototypeName(text, where)
  if (name !== undefined) throw invalidValue(`where.${name}`, 'is a reserved name', 'reserved')
  return where
}
