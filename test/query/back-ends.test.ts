import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiError } from '../../src/platform/errors.ts'
import { bindVariables } from '../../src/query/bind-variables.ts'
import { compilePredicate, resolveLookups } from '../../src/query/compile-predicate.ts'
import type { LookupCall, Scope } from '../../src/query/compile-predicate.ts'
import type { Expression } from '../../src/query/expression.ts'
import type { Json } from '../../src/query/json.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import { parseRule } from '../../src/query/parse-rule.ts'
import type { TestDatabase } from '../support/database.ts'
import { callers, documents, filters, rules } from './arbitraries.ts'
import { contextFor, createQueryDatabase, idsFromSql, store } from './query-database.ts'
import type { StoredDocument } from './query-database.ts'

const scale = Number(process.env['PROPERTY_SCALE'] ?? 1)
let database: TestDatabase

beforeAll(async () => {
  database = await createQueryDatabase('things', 'others')
})
afterAll(() => database.drop())

describe('PostgreSQL and JavaScript agree', () => {
  it('on which documents a filter matches', { timeout: 60_000 * scale }, async () => {
    for (const seed of seeds()) {
      const things = sampleOne(documents(120), seed)
      await store(database.pool, 'things', things)
      for (const filter of fc.sample(filters, { seed, numRuns: 80 })) {
        const expression = parseFilter(filter)
        const { evaluate } = compilePredicate(expression)
        const expected = things.filter((doc) => evaluate({ doc }))
        const found = await idsFromSql(database.pool, 'things', expression)
        expectSame(found, expected, things, `${JSON.stringify(filter)} (seed ${seed})`)
      }
    }
  })

  it('on which documents a rule allows, look-ups included', { timeout: 60_000 * scale }, async () => {
    let compared = 0
    for (const seed of seeds()) {
      const things = sampleOne(documents(40), seed)
      const others = sampleOne(documents(15), seed + 1)
      await store(database.pool, 'things', things)
      await store(database.pool, 'others', others)
      for (const [source, auth] of fc.sample(fc.tuple(rules, callers), { seed, numRuns: 120 })) {
        const rule = parsedOrRefused(source)
        if (rule === undefined) continue
        const variables = { auth, request: { time: '2026-01-01T12:00:00.000Z', ip: '::1' } }
        const bound = bindVariables(rule, variables)
        const expected = await allowedByJavaScript(rule, things, others, variables)
        const about = `${source} as ${JSON.stringify(auth)} (seed ${seed})`
        const boundAllows = await allowedByJavaScript(bound, things, others, {})
        expect(boundAllows, `bound ${about}`).toEqual(expected)
        const found = await idsFromSql(database.pool, 'things', bound, contextFor({ geo: [] }, ['others']))
        expectSame(found, expected, things, about)
        compared++
      }
    }
    expect(compared).toBeGreaterThan(300 * scale)
  })
})

/** New expressions in every run. A failure names its seed, which PROPERTY_SEED repeats. */
function seeds(): number[] {
  const first = Number(process.env['PROPERTY_SEED'] ?? Math.trunc(Math.random() * 2 ** 30))
  return Array.from({ length: 12 * scale }, (_, index) => first + index)
}

function sampleOne<T>(arbitrary: fc.Arbitrary<T>, seed: number): T {
  return fc.sample(arbitrary, { seed, numRuns: 1 })[0]!
}

function expectSame(found: string[], expected: StoredDocument[], all: StoredDocument[], about: string): void {
  const ids = new Set(expected.map(({ id }) => id))
  const differing = all.filter(({ id }) => ids.has(id) !== found.includes(id)).slice(0, 2)
  expect(differing, about).toEqual([])
}

function parsedOrRefused(source: string): Expression | undefined {
  try {
    return parseRule(source, { path: 'rule' })
  } catch (error) {
    expect(error, source).toBeInstanceOf(ApiError)
    expect((error as ApiError).errors[0]?.code).toBe('invalid_rule')
    return undefined
  }
}

async function allowedByJavaScript(
  rule: Expression,
  things: StoredDocument[],
  others: StoredDocument[],
  variables: Scope,
): Promise<StoredDocument[]> {
  const predicate = compilePredicate(rule)
  const allowed: StoredDocument[] = []
  for (const doc of things) {
    const scope = await resolveLookups(predicate, { ...variables, doc }, async (call) => answer(call, others))
    if (predicate.evaluate(scope)) allowed.push(doc)
  }
  return allowed
}

function answer(call: LookupCall, others: StoredDocument[]): Json {
  const rows = call.collection === 'others' ? others : []
  if (call.kind === 'get') return rows.find(({ id }) => id === call.id) ?? null
  const { evaluate } = compilePredicate(call.filter)
  return rows.some((doc) => evaluate({ doc }))
}
