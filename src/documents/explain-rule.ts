import type { UserActor } from '../projects/actor.ts'
import { type ExplainedPart, explainRule } from '../query/explain-rule.ts'
import type { JsonObject } from '../query/json.ts'
import { type Caller, ruleVariables } from './caller.ts'
import type { Collection } from './collections/collection.ts'
import type { Action } from './collections/collection-definition.ts'
import type { Documents } from './documents.ts'
import { documentNotFound } from './errors.ts'
import { lookUp } from './look-up.ts'
import { documentObject } from './stored-document.ts'
import { checkData, checkPatch, withoutSystemFields } from './writing/check-data.ts'
import { checkId } from './writing/plan-write.ts'
import { applyPatch } from './writing/apply-patch.ts'

export interface Simulation {
  action: Action
  /** Null is the anonymous. */
  actor: { uid: string; email?: string | null; roles?: string[]; claims?: Record<string, unknown> } | null
  /** A stored document: what is read, changed or deleted. */
  id?: string
  /** The document to be created, or the patch of an update. */
  data?: JsonObject
}

export interface RuleExplanation {
  allowed: boolean
  /** Null when the action has no rule, which refuses. */
  rule: string | null
  parts: readonly ExplainedPart[]
  refusedBy: ExplainedPart | null
}

/** Decides a request as if the actor had made it, and says which part of the rule refused. Changes nothing. */
export async function explainRequest(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  simulation: Simulation,
): Promise<RuleExplanation> {
  const simulated = await simulatedDocuments(documents, caller, collection, simulation)
  const rule = collection.rules[simulation.action]
  if (rule === undefined) return { allowed: false, rule: null, parts: [], refusedBy: null }
  const scope = {
    ...ruleVariables({ ...caller, actor: simulatedActor(simulation.actor) }),
    ...simulated,
  }
  const { allowed, parts, refusedBy } = await explainRule(rule.expression, rule.source, scope, (call) =>
    lookUp(documents, documents.services.db, caller.project, call),
  )
  return { allowed, rule: rule.source, parts, refusedBy: refusedBy ?? null }
}

function simulatedActor(actor: Simulation['actor']): UserActor | { kind: 'anonymous' } {
  if (actor === null) return { kind: 'anonymous' }
  const { uid, email = null, roles = [], claims = {} } = actor
  const session = {
    sessionId: 'simulated',
    amr: ['pwd'],
    assurance: 1,
    provenAt: Date.now(),
    owesFactor: false,
  }
  return {
    kind: 'user',
    uid,
    email,
    isEmailVerified: email !== null,
    isAnonymous: false,
    roles,
    claims,
    ...session,
  }
}

async function simulatedDocuments(
  documents: Documents,
  { request }: Caller,
  collection: Collection,
  { action, id, data }: Simulation,
): Promise<{ doc: JsonObject | null; before: JsonObject | null }> {
  const { limits } = documents.services.config
  if (data !== undefined && action === 'update') checkPatch(data, limits)
  else if (data !== undefined) checkData(withoutSystemFields(data), limits)
  const stored = id === undefined ? undefined : await documents.loader.load(collection.table, checkId(id))
  if (id !== undefined && stored === undefined && action !== 'create') throw documentNotFound(id)
  const current = stored === undefined ? null : documentObject(stored)
  const system = { id: id ?? 'new', createdAt: request.time, updatedAt: request.time, version: 1 }
  switch (action) {
    case 'create':
      return { doc: { ...system, ...data }, before: null }
    case 'update':
      return { doc: applyPatch(current ?? {}, data ?? {}, request.time), before: current }
    case 'delete':
      return { doc: null, before: current }
    case 'read':
    case 'list':
      return { doc: current ?? { ...system, ...data }, before: null }
  }
}
