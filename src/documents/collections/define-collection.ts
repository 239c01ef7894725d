import { Prisma } from '../../platform/generated/client.ts'
import { sqlState } from '../../platform/database.ts'
import { ApiError } from '../../platform/errors.ts'
import { newId } from '../../platform/ids.ts'
import type { Services } from '../../platform/services.ts'
import type { Actor } from '../../projects/actor.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import { type Project, projectSchema } from '../../projects/project.ts'
import { collectionTableSql } from '../project-tables.ts'
import type { Documents } from '../documents.ts'
import { uniqueViolation } from '../errors.ts'
import { checkBuiltIn, effectiveDefinition } from './built-in-collections.ts'
import { type Collection, compileCollection } from './collection.ts'
import type { CompleteDefinition } from './collection-definition.ts'
import { createIndexSql, dropIndexSql, indexName } from './index-ddl.ts'
import type { ParsedIndex } from './parse-indexes.ts'
import { type CollectionPlan, planCollectionChange } from './plan-collection-change.ts'
import { type LockedSession, withCollectionLock } from './with-collection-lock.ts'

export interface DefinedCollection {
  collection: Collection
  plan: CollectionPlan
  created: boolean
  /** Whether what was declared until now was broken. */
  repairs: boolean
}

/**
 * Makes a collection be as declared, and tells what that changed. With `dryRun` it only tells.
 *
 * New indexes are built first, without blocking writes; the declaration is stored when all of them stand;
 * indexes that nobody asks for any more go last. So a failure leaves the old declaration with all that it needs.
 */
export async function defineCollection(
  documents: Documents,
  project: Project,
  name: string,
  definition: CompleteDefinition,
  options: { dryRun: boolean; actor: Actor; request: AuditSource },
): Promise<DefinedCollection> {
  const { catalog, services } = documents
  checkBuiltIn(name, definition)
  const wanted = compileCollection(project, name, effectiveDefinition(name, definition))
  const planned = async (): Promise<DefinedCollection> => {
    const collections = await catalog.all(project)
    const current = collections.get(name)
    const plan = planCollectionChange(current, wanted, collections)
    const repairs = current?.faults !== undefined
    return { collection: wanted, plan, created: current === undefined, repairs }
  }
  if (options.dryRun) return planned()
  return withCollectionLock(documents, project, name, async (session) => {
    catalog.changed(project)
    const result = await planned()
    if (result.plan.steps.length === 0 && !result.repairs) return result
    if (result.created) await createCollection(services, project, wanted, options)
    else await changeCollection(services, session, project, result, options)
    catalog.changed(project)
    for (const index of result.plan.dropIndexes)
      await session.query(dropIndexSql(projectSchema(project), index))
    return result
  })
}

/** An empty table's indexes take no time, so table, indexes and declaration appear together. */
async function createCollection(
  services: Services,
  project: Project,
  collection: Collection,
  options: { actor: Actor; request: AuditSource },
): Promise<void> {
  const schema = projectSchema(project)
  await services.control.$transaction(async (tx) => {
    await tx.$executeRawUnsafe(collectionTableSql(schema, collection.name))
    for (const index of collection.indexes) {
      await tx.$executeRawUnsafe(createIndexSql(schema, collection.name, index, ''))
    }
    const values = storedDefinition(collection.definition)
    await tx.collection.create({
      data: { id: newId(), projectId: project.id, name: collection.name, ...values },
    })
    await recordAudit(tx, {
      actor: options.actor,
      request: options.request,
      organizationId: project.organizationId,
      projectId: project.id,
      action: 'collection.create',
      target: collection.name,
    })
  })
}

async function changeCollection(
  services: Services,
  session: LockedSession,
  project: Project,
  { collection, plan }: DefinedCollection,
  options: { actor: Actor; request: AuditSource },
): Promise<void> {
  await buildIndexes(session, projectSchema(project), collection.name, plan.createIndexes)
  await services.control.$transaction(async (tx) => {
    const { name } = collection
    const values = storedDefinition(collection.definition)
    // A built-in collection has no row until something is declared of it.
    await tx.collection.upsert({
      where: { projectId_name: { projectId: project.id, name } },
      create: { id: newId(), projectId: project.id, name, ...values },
      update: values,
    })
    await recordAudit(tx, {
      actor: options.actor,
      request: options.request,
      organizationId: project.organizationId,
      projectId: project.id,
      action: 'collection.update',
      target: collection.name,
      detail: { steps: plan.steps.map(({ kind, target }) => `${kind} ${target}`) },
    })
  })
}

/** All or none: what an interrupted or failed build leaves behind is invalid and would only cost writes. */
async function buildIndexes(
  session: LockedSession,
  schema: string,
  collection: string,
  indexes: readonly ParsedIndex[],
): Promise<void> {
  const built: string[] = []
  for (const index of indexes) {
    const name = indexName(collection, index)
    await session.query(dropIndexSql(schema, name))
    built.push(name)
    try {
      await session.query(createIndexSql(schema, collection, index, 'CONCURRENTLY'))
    } catch (error) {
      for (const made of built) await session.query(dropIndexSql(schema, made))
      throw explainBuildFailure(error, index)
    }
  }
}

function explainBuildFailure(error: unknown, index: ParsedIndex): unknown {
  const fields = index.fields.map(({ path }) => path.join('.'))
  switch (sqlState(error)) {
    case '23505':
      return uniqueViolation(index.label, fields)
    case '54000':
      return new ApiError(
        'validation_failed',
        `A document holds too long a value for the index ${index.label}.`,
        {
          errors: fields.map((path) => ({
            path,
            code: 'too_long',
            message: 'is longer than an index can hold',
          })),
        },
      )
    default:
      return error
  }
}

function storedDefinition({ schema, indexes, rules, fields }: CompleteDefinition) {
  // JSON came in through the route's schema, and JSON goes out: Prisma's input type only can't see that.
  const json = (value: unknown): Prisma.InputJsonValue => value as Prisma.InputJsonValue
  return {
    schema: schema === null ? Prisma.DbNull : json(schema),
    indexes: json(indexes),
    rules: json(rules),
    fields: json(fields),
  }
}
