import { invalidValue } from '../../platform/errors.ts'
import { newId } from '../../platform/ids.ts'
import { actorLabel } from '../../projects/actor.ts'
import { isJsonObject, type JsonObject } from '../../query/json.ts'
import type {
  PlannedCreate,
  PlannedDelete,
  PlannedUpdate,
  StoredDocument,
} from '../committer/planned-write.ts'
import { documentNotFound, readOnlyCollection, versionMismatch } from '../errors.ts'
import { documentObject } from '../stored-document.ts'
import type { HookedWrite } from '../write-hooks.ts'
import { applyPatch } from './apply-patch.ts'
import { checkCandidate } from './check-candidate.ts'
import { checkPatch } from './check-data.ts'
import { judgeWrite, withoutTraces } from './judge-write.ts'
import type { Precondition, WriteContext } from './write-context.ts'

/** A write with the document that it leads to. */
export interface Plan<Write> {
  write: Write
  after: StoredDocument
}

const idPattern = /^[A-Za-z0-9_-]{1,64}$/

export function isId(id: unknown): id is string {
  return typeof id === 'string' && idPattern.test(id)
}

/** Throws 400 unless it is an id. */
export function checkId(id: unknown, path = 'id'): string {
  if (isId(id)) return id
  throw invalidValue(path, 'must match [A-Za-z0-9_-]{1,64}', 'invalid_id')
}

/** @param body the data, with or without an `id` */
export async function planCreate(context: WriteContext, body: JsonObject): Promise<Plan<PlannedCreate>> {
  refuseBuiltIn(context)
  const { id: givenId, ...given } = body
  const id = givenId === undefined ? newId() : checkId(givenId)
  const at = now(context)
  const data = await hooked(context, { id, createdAt: at, updatedAt: at, version: 1 }, given)
  const text = checkCandidate(context.collection, data, limitsOf(context))
  const after: StoredDocument = { id, data: text, version: 1, createdAt: at, updatedAt: at }
  const { createdAt, updatedAt, version } = after
  await judgeWrite(context, {
    action: 'create',
    id,
    doc: () => ({ id, createdAt, updatedAt, version, ...data }),
  })
  return { write: { kind: 'create', ...target(context, id), data: text, createdAt: at }, after }
}

export async function planUpdate(
  context: WriteContext,
  id: string,
  current: StoredDocument | undefined,
  patch: JsonObject,
  precondition: Precondition,
): Promise<Plan<PlannedUpdate>> {
  refuseBuiltIn(context)
  if (current === undefined) throw documentNotFound(id)
  try {
    checkPatch(patch, limitsOf(context))
    const data = applyPatch(JSON.parse(current.data), patch, now(context))
    return await planChange(context, current, data, precondition)
  } catch (error) {
    throw await withoutTraces(context, current, error)
  }
}

/** @param body the data; an `id` in it must be the address's */
export async function planReplace(
  context: WriteContext,
  current: StoredDocument,
  body: JsonObject,
  precondition: Precondition,
): Promise<Plan<PlannedUpdate>> {
  refuseBuiltIn(context)
  return planChange(context, current, withoutId(body, current.id), precondition)
}

export async function planDelete(
  context: WriteContext,
  id: string,
  current: StoredDocument | undefined,
  precondition: Precondition,
): Promise<PlannedDelete> {
  refuseBuiltIn(context)
  if (current === undefined) throw documentNotFound(id)
  const stored = documentObject(current)
  await hooksBefore(context, { kind: 'delete', id, document: null, before: stored }, current)
  await judgeWrite(context, { action: 'delete', id, before: () => stored })
  checkPrecondition(current, precondition)
  return { kind: 'delete', ...target(context, id), current }
}

/** Before anything else: the answer must not tell what is there. */
function refuseBuiltIn({ collection }: WriteContext): void {
  if (collection.builtIn !== undefined) throw readOnlyCollection(collection.name)
}

/** The body of a PUT without its id, which may be there and then must be the address's. */
export function withoutId(body: JsonObject, id: string): JsonObject {
  const { id: givenId, ...data } = body
  if (givenId !== undefined && givenId !== id)
    throw invalidValue('id', 'is not the id in the address', 'mismatch')
  return data
}

async function planChange(
  context: WriteContext,
  current: StoredDocument,
  given: JsonObject,
  precondition: Precondition,
): Promise<Plan<PlannedUpdate>> {
  const { id, createdAt } = current
  const updatedAt = now(context)
  const version = current.version + 1
  const system = { id, createdAt, updatedAt, version }
  const data = await hooked(context, system, given, current)
  const text = checkCandidate(context.collection, data, limitsOf(context))
  await judgeWrite(context, {
    action: 'update',
    id,
    doc: () => ({ id, createdAt, updatedAt, version, ...data }),
    before: () => documentObject(current),
  })
  checkPrecondition(current, precondition)
  return {
    write: { kind: 'update', ...target(context, id), data: text, current },
    after: { id, data: text, version, createdAt, updatedAt },
  }
}

/** After the rules: a version would tell that the document exists. */
function checkPrecondition(current: StoredDocument, { ifVersion, ifAbsent }: Precondition): void {
  if (ifAbsent === true || (ifVersion !== undefined && ifVersion !== current.version))
    throw versionMismatch(current.id)
}

function target({ collection, caller }: WriteContext, id: string) {
  const { actor, request } = caller
  const depth = actor.kind === 'function' ? { depth: actor.depth } : {}
  return { collection: collection.name, id, at: request.time, actor: actorLabel(actor), ...depth }
}

/** The data as the project's own code wants them to be stored. */
async function hooked(
  context: WriteContext,
  system: { id: string; createdAt: string; updatedAt: string; version: number },
  data: JsonObject,
  current?: StoredDocument,
): Promise<JsonObject> {
  const write: OfPlan<HookedWrite> = {
    kind: current === undefined ? 'create' : 'update',
    id: system.id,
    document: { ...system, ...data },
    before: current === undefined ? null : documentObject(current),
  }
  return (await hooksBefore(context, write, current)) ?? data
}

/** What the plan itself says; the rest is the context's. */
type OfPlan<Write> = Omit<Write, 'collection' | 'holdsLock'>

async function hooksBefore(
  context: WriteContext,
  write: OfPlan<HookedWrite>,
  current: StoredDocument | undefined,
): Promise<JsonObject | undefined> {
  const { documents, db, caller, collection } = context
  try {
    // Whatever is decided in a transaction is decided under the lock.
    const holdsLock = db !== documents.services.db
    return await documents.hooks.before(caller, { ...write, collection: collection.name, holdsLock })
  } catch (error) {
    throw current === undefined ? error : await withoutTraces(context, current, error)
  }
}

function now({ caller }: WriteContext): string {
  return caller.request.time
}

function limitsOf({ documents }: WriteContext) {
  return documents.services.config.limits
}

/** Throws 400 unless it is a JSON object. */
export function checkObject(value: unknown, path = ''): JsonObject {
  if (!isJsonObject(value)) throw invalidValue(path, 'must be a JSON object', 'wrong_type')
  return value
}
