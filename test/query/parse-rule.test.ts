import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/platform/errors.ts'
import { bindVariables } from '../../src/query/bind-variables.ts'
import { compilePredicate, resolveLookups } from '../../src/query/compile-predicate.ts'
import type { LookupCall, Scope } from '../../src/query/compile-predicate.ts'
import { explainRule } from '../../src/query/explain-rule.ts'
import { always, never } from '../../src/query/expression.ts'
import type { Json } from '../../src/query/json.ts'
import { parseFilter } from '../../src/query/parse-filter.ts'
import type { Variable } from '../../src/query/expression.ts'
import { documentVariables, parseRule } from '../../src/query/parse-rule.ts'
import { usesDocument } from '../../src/query/walk-expression.ts'

const scope: Scope = {
  doc: { id: 'd1', owner: 'u1', title: 'a😀b', tags: ['x', 'y'], votes: 3, secret: null, 'with-dash': 1 },
  before: null,
  auth: { uid: 'u1', roles: ['editor'], claims: { team: 't1' } },
  request: { time: '2026-01-01T00:00:00.000Z', ip: '::1' },
}

function allows(source: string): boolean {
  return compilePredicate(parseRule(source, { path: 'rules.read' })).evaluate(scope)
}

function fault(source: string, variables: readonly Variable[] = documentVariables.writing): string {
  try {
    parseRule(source, { path: 'rules.read', variables })
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    expect(error.errors).toMatchObject([{ path: 'rules.read', code: 'invalid_rule' }])
    return error.errors[0]!.message
  }
  return 'accepted'
}

describe('a rule', () => {
  it.each<[string, boolean]>([
    ['true', true],
    ['auth.uid == doc.owner', true],
    ["auth != null && 'editor' in auth.roles", true],
    ["'admin' in auth.roles || doc.votes >= 3", true],
    ['doc.missing == null', true],
    ['doc.missing.deeper == null', true],
    ['doc.missing > 1', false],
    ['!doc.missing', true],
    ['doc.title', false],
    ['has(doc.title) && !has(doc.missing) && !has(doc.secret)', true],
    ['size(doc.title) == 3 && doc.tags.size() == 2', true],
    ["doc.title.startsWith('a') && doc.title.endsWith('b') && doc.title.contains('😀')", true],
    [
      "doc.tags.all(t, t in ['x', 'y', 'z']) && doc.tags.exists(t, t == 'y') && doc.tags.exists_one(t, t == 'x')",
      true,
    ],
    ['doc.title.all(t, true)', false],
    ['doc.tags.exists(a, doc.tags.exists(b, a != b))', true],
    ['doc.votes / 2 == 1.5 && 7 % 4 == 3 && -doc.votes == -3', true],
    ['1 / 0 == null', true],
    ["doc.title + '!' == 'a😀b!'", true],
    ["doc['owner'] == 'u1' && doc['with-dash'] == 1 && doc.tags[1] == 'y' && doc.tags[9] == null", true],
    ["'team' in auth.claims && 'x' in {'x': null}", true],
    ["(before == null ? 'create' : 'update') == 'create'", true],
    ["request.time < '2027'", true],
    ['1 == 1.0', true],
    ["1 == '1'", false],
    ["{'a': [1, 2]} == {'a': [1.0, 2]}", true],
  ])('%s is %j', (source, expected) => {
    expect(allows(source)).toBe(expected)
  })

  it.each([
    ['', /^1:1: /],
    ['auth.uid ==', /^1:12: /],
    ['true &&\n  user.id == 1', /^2:3: user is not a variable/],
    ["doc.title.matches('a*')", /^1:1: There are no regular expressions/],
    ["matches(doc.title, 'a*')", /^1:1: There are no regular expressions/],
    ['now() > 1', /^1:1: now is not a function/],
    ['doc.tags.map(t, t) == 1', /^1:1: map is not a function/],
    ['size() == 1', /^1:1: size takes one argument/],
    ["doc.title.startsWith('a', 'b')", /^1:1: startsWith takes one argument/],
    ["true && 'text'", /^1:9: This is a text, where a boolean is needed/],
    ['!5', /^1:2: This is a number/],
    ["1 < 'a'", /^1:1: A number and a text/],
    ["'a' + 1 == 2", /^1:1: A text and a number/],
    ['[1] < [2]', /^1:1: This is a list/],
    ['doc.a in 5', /^1:10: This is a number/],
    ['1 + 2', /^1:1: A rule is true or false, and this is a number/],
    ["'text'", /^1:1: A rule is true or false/],
    ['doc.__proto__ == 1', /reserved/],
    ["doc['constructor'] == 1", /reserved/],
    ['auth.claims.__proto__ == 1', /reserved/],
    ["get('a', 'b').constructor == 1", /reserved/],
    ["{'__proto__': 1} == 1", /reserved/],
    ['doc._hidden == 1', /reserved/],
    ['request.body == 1', /request has no body/],
    ['doc.tags.exists(doc, true)', /doc is a variable already/],
    ["exists(doc.collection, {'a': 1})", /^1:8: The collection is a literal name/],
    ["exists('Users', {'a': 1})", /literal name/],
    ["exists('users', doc)", /^1:17: The filter is a map/],
    ["exists('users', {'a': {'$bad': 1}})", /^1:1: filter\.a\.\$bad: /],
    ["exists('users', {'$search': 'a'})", /^1:1: /],
    ["exists('users', {'a': {'$near': [1, 2]}})", /not available/],
    ["get('a', get('b', get('c', 'd').x).y) == 1", /nested at most 2 deep/],
    ["doc.tags.exists(t, get('a', t) != null)", /can not depend on the variable/],
    [Array.from({ length: 11 }, () => "exists('a', {})").join(' || '), /at most 10 other documents/],
    ['9007199254740993 == 1', /can not be held exactly/],
    ["b'abc' == doc.a", /no bytes/],
    ["'\\u0000' == doc.a", /can not be stored/],
    [`${'!'.repeat(500)}true`, /^1:/],
    [`true${' && true'.repeat(300)}`, /^1:/],
    [`'${'x'.repeat(5000)}' == doc.a`, /at most 4096 bytes/],
  ])('%s is refused with the place', (source, message) => {
    expect(fault(source)).toMatch(message)
  })

  it('knows before only where something is written', () => {
    expect(fault('before.owner == auth.uid')).toBe('accepted')
    expect(fault('doc.a == 1 && before.owner == auth.uid', documentVariables.reading)).toMatch(
      /^1:15: before is not available/,
    )
  })

  it('takes ten look-ups', () => {
    expect(fault(Array.from({ length: 10 }, () => "exists('a', {})").join(' || '))).toBe('accepted')
  })
})

describe('look-ups', () => {
  async function calls(
    source: string,
    answer: (call: LookupCall) => Json,
  ): Promise<{ allowed: boolean; calls: LookupCall[] }> {
    const made: LookupCall[] = []
    const predicate = compilePredicate(parseRule(source, { path: 'rules.read' }))
    const resolved = await resolveLookups(predicate, scope, async (call) => {
      made.push(call)
      return answer(call)
    })
    return { allowed: predicate.evaluate(resolved), calls: made }
  }

  it('get their arguments from the rule, inner ones first', async () => {
    const source = "get('teams', get('users', auth.uid).team).open"
    const answers: Record<string, Json> = { users: { team: 't7' }, teams: { open: true } }
    expect(await calls(source, ({ collection }) => answers[collection]!)).toEqual({
      allowed: true,
      calls: [
        { kind: 'get', collection: 'users', id: 'u1' },
        { kind: 'get', collection: 'teams', id: 't7' },
      ],
    })
  })

  it('get a filter with the values in it', async () => {
    const source =
      "exists('members', {'user': auth.uid, 'level': {'$gte': doc.votes}, 'role': {'$in': [doc.owner, 'x']}})"
    const { calls: made } = await calls(source, () => true)
    const { evaluate } = compilePredicate((made[0] as Extract<LookupCall, { kind: 'exists' }>).filter)
    expect(evaluate({ doc: { user: 'u1', level: 3, role: 'x' } })).toBe(true)
    expect(evaluate({ doc: { user: 'u1', level: 2, role: 'x' } })).toBe(false)
    expect(evaluate({ doc: { user: 'u2', level: 3, role: 'u1' } })).toBe(false)
  })

  it('compare with a list of values from the rule', async () => {
    const { calls: made } = await calls("exists('members', {'pair': {'$eq': [doc.votes, 'x']}})", () => true)
    const { evaluate } = compilePredicate((made[0] as Extract<LookupCall, { kind: 'exists' }>).filter)
    expect(evaluate({ doc: { pair: [3, 'x'] } })).toBe(true)
    expect(evaluate({ doc: { pair: [4, 'x'] } })).toBe(false)
  })

  it('are not made when the rest has decided', async () => {
    const source = "auth.uid == doc.owner || exists('members', {'user': auth.uid})"
    expect(await calls(source, () => false)).toEqual({ allowed: true, calls: [] })
  })

  it('by an id that is no text find nothing, without a call', async () => {
    expect(await calls("get('users', doc.votes) == null", () => ({}))).toEqual({ allowed: true, calls: [] })
  })

  it('that were not made beforehand fail instead of allowing', () => {
    expect(() => allows("exists('members', {})")).toThrow('not resolved')
  })
})

describe('binding the caller', () => {
  const bind = (source: string, auth: Json): unknown =>
    bindVariables(parseRule(source, { path: 'rule' }), { auth, request: { time: '2026', ip: '::1' } })

  it.each([
    ['auth != null', null, never],
    ['auth != null', { uid: 'a' }, always],
    ["auth.uid == 'a' && 'x' in auth.roles", { uid: 'a', roles: ['x'] }, always],
    ["auth.roles.exists(r, r == 'admin') || doc.owner == auth.uid", { uid: 'a', roles: ['admin'] }, always],
    ['auth != null && doc.owner == auth.uid', null, never],
    ["auth.uid == 'b' && exists('x', {})", { uid: 'a' }, never],
  ])('%s as %j needs no document', (source, auth, expected) => {
    expect(bind(source, auth)).toMatchObject(expected)
  })

  it('leaves what depends on the document', () => {
    const rule = bindVariables(parseRule('auth.uid == doc.owner', { path: 'rule' }), {
      auth: { uid: 'a' },
      request: null,
    })
    expect(usesDocument(rule)).toBe(true)
    expect(compilePredicate(rule).evaluate({ doc: { owner: 'a' } })).toBe(true)
    expect(compilePredicate(rule).evaluate({ doc: { owner: 'b' } })).toBe(false)
  })

  it('does not take a value that is no boolean for true', () => {
    const rule = bindVariables(parseRule('auth != null && doc.flag', { path: 'rule' }), {
      auth: {},
      request: null,
    })
    expect(compilePredicate(rule).evaluate({ doc: { flag: 'yes' } })).toBe(false)
    expect(compilePredicate(rule).evaluate({ doc: { flag: true } })).toBe(true)
  })

  it('leaves a filter as it is', () => {
    const filter = parseFilter({ a: 1, b: { $in: [1, 2] } })
    expect(bindVariables(filter, { auth: null, request: null })).toEqual(filter)
  })
})

describe('explaining', () => {
  const explain = (source: string): ReturnType<typeof explainRule> =>
    explainRule(parseRule(source, { path: 'rule' }), source, scope, async () => false)

  it.each([
    ["auth != null && (doc.votes > 1 && doc.owner == 'u2')", "doc.owner == 'u2'"],
    ["doc.owner == 'x' || doc.owner == 'y'", "doc.owner == 'x' || doc.owner == 'y'"],
    ['before == null ? doc.votes > 5 : true', 'doc.votes > 5'],
    ["auth != null && exists('members', {'user': auth.uid})", "exists('members', {'user': auth.uid})"],
    ['true && !(doc.votes == 3)', '!(doc.votes == 3)'],
    ["(doc.a == 1 || (doc.b == ')')) && true", "doc.a == 1 || (doc.b == ')')"],
    ['doc.flag', 'doc.flag'],
  ])('%s was refused by %s', async (source, text) => {
    const { allowed, refusedBy } = await explain(source)
    expect(allowed).toBe(false)
    expect(refusedBy?.text).toBe(text)
    expect(source.slice(refusedBy?.start, refusedBy?.end)).toBe(text)
  })

  it('gives the value of every part', async () => {
    const source = "doc.votes + 1 > 3 && doc.tags.exists(t, t == 'x')"
    const { allowed, parts, refusedBy } = await explain(source)
    expect(allowed).toBe(true)
    expect(refusedBy).toBeUndefined()
    expect(parts.map(({ text, value }) => [text, value])).toEqual([
      [source, true],
      ['doc.votes + 1 > 3', true],
      ['doc.votes + 1', 4],
      ['doc.votes', 3],
      ['1', 1],
      ['3', 3],
      ["doc.tags.exists(t, t == 'x')", true],
      ['doc.tags', ['x', 'y']],
    ])
  })
})
