import type { Queryable } from '../platform/database.ts'
import { isJudgedByRules, type FunctionActor, type KeyActor, type OperatorActor } from '../projects/actor.ts'
import type { Project } from '../projects/project.ts'
import { always, type Expression, never } from '../query/expression.ts'
import type { JsonObject } from '../query/json.ts'
import { bindVariables } from '../query/bind-variables.ts'
import { type Predicate, resolveLookups, type Scope } from '../query/compile-predicate.ts'
import { type Caller, ruleVariables } from './caller.ts'
import type { Collection, Rule } from './collections/collection.ts'
import type { Action } from './collections/collection-definition.ts'
import type { Documents } from './documents.ts'
import { lookUp } from './look-up.ts'

/** What a rule is asked about, made only if the rule looks at it: most don't, and parsing JSON costs more than they do. */
export interface RuleSubject {
  doc?: () => JsonObject
  before?: () => JsonObject
}

/**
 * The authorisation kernel: whether the caller may do this. Every door to documents asks here or, for queries,
 * through `visibleBy`. Secret keys and operators were judged by scope and role where they came in.
 */
export function mayDo(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  collection: Collection,
  action: Action,
  subject: RuleSubject,
): boolean | Promise<boolean> {
  if (!isJudgedByRules(caller.actor)) return mayPass(caller.actor, collection)
  const rule = collection.rules[action]
  return rule === undefined ? false : holds(documents, db, caller, rule, subject)
}

/** Whether a rule is true for the caller and the subject. */
export function holds(
  documents: Documents,
  db: Queryable,
  caller: Caller,
  { predicate, usesDocument }: Rule,
  subject: RuleSubject,
): boolean | Promise<boolean> {
  const scope = {
    ...ruleVariables(caller),
    doc: usesDocument ? (subject.doc?.() ?? null) : null,
    before: usesDocument ? (subject.before?.() ?? null) : null,
  }
  return askPredicate(documents, db, caller.project, predicate, scope)
}

/** Whether a predicate is true of what it is told, and of the other documents that it looks at. */
export function askPredicate(
  documents: Documents,
  db: Queryable,
  project: Project,
  predicate: Predicate,
  scope: Scope,
): boolean | Promise<boolean> {
  if (predicate.lookups.length === 0) return predicate.evaluate(scope)
  return resolveLookups(predicate, scope, (call) => lookUp(documents, db, project, call)).then(
    predicate.evaluate,
  )
}

/** The condition that a query adds so that it finds only what the caller may see. */
export function visibleBy(caller: Caller, collection: Collection, action: 'read' | 'list'): Expression {
  if (!isJudgedByRules(caller.actor)) return mayPass(caller.actor, collection) ? always : never
  const rule = collection.rules[action]
  return rule === undefined ? never : bindVariables(rule.expression, ruleVariables(caller))
}

/** Keys, functions and operators were judged at the door, but for what is not the documents' alone. */
function mayPass(actor: KeyActor | FunctionActor | OperatorActor, { builtIn }: Collection): boolean {
  if (builtIn === undefined || actor.kind === 'operator') return true
  return actor.scopes.includes('*') || actor.scopes.includes(builtIn.scope)
}
