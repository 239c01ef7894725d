import { createHash } from 'node:crypto'
import { type Caller, ruleVariables } from '../../documents/caller.ts'
import type { Collection } from '../../documents/collections/collection.ts'
import { checkLiveQuery, type LiveInput, type LiveQuery } from '../../documents/reading/live-query.ts'
import type { Documents } from '../../documents/documents.ts'
import { bindVariables } from '../../query/bind-variables.ts'
import { compilePredicate } from '../../query/compile-predicate.ts'
import { allOf, type Expression } from '../../query/expression.ts'
import type { JsonObject } from '../../query/json.ts'
import { compareKeysOf } from '../../query/sort-documents.ts'
import { splitCondition, termsOf } from '../../query/split-condition.ts'
import { some } from '../../query/walk-expression.ts'
import { type AccessTerm, accessTermOf } from './access-term.ts'
import type { CompareKeys } from './list-window.ts'

/** Documents of a collection that something depends on. */
export interface Interest {
  readonly collection: string
  readonly term: AccessTerm | undefined
  readonly matches: (document: JsonObject) => boolean
}

/** What a live query comes to for its caller: everything that tells it from another, compiled. */
export interface ViewPlan {
  readonly caller: Caller
  readonly collection: Collection
  readonly input: LiveInput
  readonly query: LiveQuery
  /** The same for queries that show the same to everybody who asks them, on every node. */
  readonly fingerprint: string
  /** The same for those that show of a document the same fields. */
  readonly shownAs: string
  /**
   * `followed`: the change itself tells what becomes of the list. `asked`: PostgreSQL has to be asked after every
   * change that may matter, since rules look at other documents or at the clock, or only it knows the answer.
   */
  readonly kind: 'followed' | 'asked'
  /** Changes of these documents matter. A change of the list's own matters if it matched before or after. */
  readonly own: Interest
  readonly others: readonly Interest[]
  /** What is shown may change without a change of the log: to be asked again from time to time. */
  readonly isPolled: boolean
  readonly compare: CompareKeys
}

/** Throws as `checkLiveQuery` does. */
export function planView(
  documents: Documents,
  caller: Caller,
  collection: Collection,
  input: LiveInput,
): ViewPlan {
  const query = checkLiveQuery(documents, caller, collection, input)
  const { sort, limit, fields, isTimed } = query
  // A rule that looks at the clock says nothing of a moment ago.
  const condition = splitCondition(allOf([...(isTimed ? [] : [query.visible]), query.filter]))
  const guards = query.guarded.map(({ path, rule }) => ({
    path,
    rule: bindVariables(rule.expression, ruleVariables(caller)),
  }))
  const lookedAt = [
    ...splitCondition(query.visible).dependencies,
    ...guards.flatMap(({ rule }) => splitCondition(rule).dependencies),
  ]
  // The distance to a point is PostgreSQL's to the last bit, which decides between neighbours.
  const isByDistance = sort.some(({ kind }) => kind === 'distance')
  const isPolled = isTimed || isBuiltIn(documents, collection, lookedAt)
  const isFollowed = condition.isWhole && lookedAt.length === 0 && !isPolled && !isByDistance
  const shownAs = stableText([fields ?? null, guards])
  return {
    caller,
    collection,
    input,
    query,
    fingerprint: hash([
      caller.project.id,
      collection.name,
      stableText([query.visible, query.filter, sort, limit]),
      shownAs,
    ]),
    shownAs: hash([shownAs]),
    kind: isFollowed ? 'followed' : 'asked',
    own: interestOf(collection.name, withoutDistance(condition.own)),
    others: lookedAt.map((dependency) => interestOf(dependency.collection, dependency.filter)),
    isPolled,
    compare: compareKeysOf(sort),
  }
}

/** What another feature writes is in no change log. */
function isBuiltIn(
  documents: Documents,
  collection: Collection,
  lookedAt: readonly { collection: string }[],
): boolean {
  return collection.builtIn !== undefined || lookedAt.some((other) => documents.isBuiltIn(other.collection))
}

export function interestOf(collection: string, condition: Expression): Interest {
  const { evaluate } = compilePredicate(condition)
  return {
    collection,
    term: accessTermOf(condition),
    matches: (doc) => evaluate({ doc }),
  }
}

/** At the border of a distance JavaScript and PostgreSQL may differ: it does not decide what PostgreSQL is asked. */
function withoutDistance(condition: Expression): Expression {
  return allOf(termsOf(condition).filter((term) => !some(term, ({ kind }) => kind === 'near')))
}

/** Where a rule stands in its source does not matter. */
function stableText(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => (key === 'range' ? undefined : inner))
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}
