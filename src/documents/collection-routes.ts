import { Type } from 'typebox'
import type { HttpServer } from '../platform/http-server.ts'
import { dryRunQuery } from '../projects/schemas.ts'
import type { JsonObject } from '../query/json.ts'
import { callerOf } from './caller.ts'
import { CollectionDefinition, completeDefinition } from './collections/collection-definition.ts'
import { defineCollection } from './collections/define-collection.ts'
import { deleteCollection } from './collections/delete-collection.ts'
import { presentCollection, presentPlan } from './collections/present-collection.ts'
import type { Documents } from './documents.ts'
import { collectionNotFound } from './errors.ts'
import { explainRequest, type Simulation } from './explain-rule.ts'
import { DefinitionParams, ExplainBody, projectRef } from './schemas.ts'

const base = '/v1/projects/:ref/collections'
const tags = ['Collections']

/** Declarations of collections: schema, indexes, rules. */
export function registerCollectionRoutes(app: HttpServer, documents: Documents): void {
  const { catalog } = documents
  const reads = { access: { door: 'project', scope: 'settings:read' } } as const
  const writes = { access: { door: 'project', scope: 'settings:write' } } as const

  app.route({
    method: 'GET',
    url: base,
    config: reads,
    schema: {
      operationId: 'listCollections',
      summary: 'List collections',
      tags,
      params: Type.Object({ ref: projectRef }),
    },
    async handler(request) {
      const collections = await catalog.all(callerOf(request).project)
      return { collections: [...collections.values()].map(presentCollection) }
    },
  })

  app.route({
    method: 'GET',
    url: `${base}/:collection`,
    config: reads,
    schema: { operationId: 'getCollection', summary: 'Read a collection', tags, params: DefinitionParams },
    async handler(request) {
      const name = request.params.collection
      const collection = await catalog.find(callerOf(request).project, name)
      if (collection === undefined) throw collectionNotFound(name)
      return presentCollection(collection)
    },
  })

  app.route({
    method: 'PUT',
    url: `${base}/:collection`,
    config: { access: { ...writes.access, dryRunScope: 'settings:read' } },
    schema: {
      operationId: 'putCollection',
      summary: 'Declare a collection; with dryRun only tell what that would do',
      tags,
      params: DefinitionParams,
      querystring: dryRunQuery,
      body: CollectionDefinition,
    },
    async handler(request, reply) {
      const { project, actor } = callerOf(request)
      const dryRun = request.query.dryRun === true
      const definition = completeDefinition(request.body)
      const { collection, plan, created } = await defineCollection(
        documents,
        project,
        request.params.collection,
        definition,
        { dryRun, actor, request },
      )
      void reply.code(created && !dryRun ? 201 : 200)
      return { ...presentCollection(collection), ...presentPlan(plan), dryRun }
    },
  })

  app.route({
    method: 'DELETE',
    url: `${base}/:collection`,
    config: writes,
    schema: {
      operationId: 'deleteCollection',
      summary: 'Delete a collection with its documents',
      tags,
      params: DefinitionParams,
    },
    async handler(request, reply) {
      const { project, actor } = callerOf(request)
      await deleteCollection(documents, project, request.params.collection, { actor, request })
      return reply.code(204).send()
    },
  })

  app.route({
    method: 'POST',
    url: `${base}/:collection/rules/explain`,
    config: reads,
    schema: {
      operationId: 'explainRules',
      summary: 'Decide a request as any actor and say which part of the rule refused',
      tags,
      params: DefinitionParams,
      body: ExplainBody,
    },
    async handler(request) {
      const caller = callerOf(request)
      const collection = await catalog.get(caller.project, request.params.collection)
      const { data, ...rest } = request.body
      const simulation: Simulation = { ...rest, ...(data !== undefined && { data: data as JsonObject }) }
      return explainRequest(documents, caller, collection, simulation)
    },
  })
}
