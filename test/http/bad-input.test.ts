import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildRequest, type Operation, readOperations } from '../isolation/build-request.ts'
import { seedVictim, type Victim } from '../isolation/victim.ts'
import { type CallResult, startTestServer, type TestServer } from '../support/server.ts'

/** Every route of the API with what its caller has every right to send, but for one fault. */

let server: TestServer
let operations: Operation[]
let owner: Victim

beforeAll(async () => {
  server = await startTestServer()
  operations = await readOperations(server)
  owner = await seedVictim(server)
})

afterAll(() => server.stop())

interface Fault {
  body?: unknown
  url?: (url: string) => string
}

async function send(operation: Operation, { body, url = (same) => same }: Fault): Promise<CallResult> {
  const built = buildRequest(operation, owner)
  const { door, only } = operation.request
  const sent = body === undefined ? built.body : typeof body === 'string' ? body : JSON.stringify(body)
  const forKeys = only === 'operators' ? owner.owner : owner.secret
  const callers = { project: forKeys, users: owner.person.token }
  return server.call(operation.method, url(built.url), {
    as: door === 'project' || door === 'users' ? callers[door] : owner.owner,
    headers: sent === undefined ? {} : { 'content-type': 'application/json', ...built.headers },
    ...(sent !== undefined && { body: sent }),
  })
}

function withJsonBody(): Operation[] {
  return operations.filter(({ bodySchema }) => bodySchema !== undefined)
}

type Json = Record<string, unknown>

const validBody = (operation: Operation): Json => (operation.request.body?.(owner) ?? {}) as Json

/** Copies of a value, each with the property added to another one of its objects. */
function* withProperty(value: unknown, name: string, added: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      for (const changed of withProperty(item, name, added)) yield value.with(at, changed)
    }
  } else if (typeof value === 'object' && value !== null) {
    yield withOwn(value, name, added)
    for (const [key, inner] of Object.entries(value)) {
      for (const changed of withProperty(inner, name, added)) yield withOwn(value, key, changed)
    }
  }
}

/** As JSON.parse makes it: `__proto__` too becomes a property of the object itself. */
function withOwn(object: object, name: string, value: unknown): object {
  return Object.defineProperty({ ...object }, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

describe('names that pollute prototypes', () => {
  const poisons: [string, unknown][] = [
    ['__proto__', { polluted: true }],
    ['constructor', { prototype: { polluted: true } }],
    ['prototype', { polluted: true }],
  ]

  test.each(poisons)('%s is refused at every depth of every body', async (name, value) => {
    const faults: string[] = []
    let sent = 0
    for (const operation of withJsonBody()) {
      const body = validBody(operation)
      for (const poisoned of withProperty({ ...body, ...deep(operation) }, name, value)) {
        const { status, body: answer } = await send(operation, { body: poisoned })
        sent++
        if (status !== 400) {
          faults.push(`${operation.id} ${status}: ${JSON.stringify(poisoned)} ${JSON.stringify(answer)}`)
        }
      }
    }
    expect(faults).toEqual([])
    expect(sent).toBeGreaterThan(30)
    expectUnpolluted()
  })

  /** Where a body has room for objects of any depth. */
  function deep({ id }: Operation): Json {
    const tree = { one: [{ two: { three: { four: [{ five: {} }] } } }] }
    switch (id) {
      case 'createDocument':
      case 'replaceDocument':
      case 'updateDocument':
        return tree
      case 'putCollection':
        return { schema: { type: 'object', properties: { a: { type: 'object', properties: {} } } } }
      case 'explainRules':
        return { actor: { uid: 'u1', claims: tree }, data: tree }
      case 'enqueueTask':
        return { payload: tree }
      case 'putSchedule':
        return { task: { name: 'stray', payload: tree } }
      case 'queryDocuments':
        return { where: { a: { b: 1 }, $or: [{ c: { $not: { $gt: 1 } } }] } }
      default:
        return {}
    }
  }

  test.each([
    '__proto__[polluted]=1',
    '__proto__.polluted=1',
    '__proto__=1',
    'constructor[prototype][polluted]=1',
    'constructor.prototype.polluted=1',
    'constructor=1',
  ])('in query strings: ?%s', async (query) => {
    const faults: string[] = []
    for (const operation of operations.filter(({ method }) => method === 'GET')) {
      const { status } = await send(operation, { url: (url) => `${url}?${query}` })
      const declares = operation.parameters.some((parameter) => parameter.in === 'query')
      if (status !== 400 && (declares || status >= 300)) faults.push(`${operation.id} ${status}`)
    }
    expect(faults).toEqual([])
    expectUnpolluted()
  })

  test.each([
    'where={"__proto__":{"polluted":true}}',
    'where={"a":{"__proto__":{"polluted":true}}}',
    'where={"$or":[{"constructor":{"prototype":{"polluted":true}}}]}',
    'where={"__proto__.polluted":true}',
    'where={"constructor.name":"Object"}',
    'where={"a":{"$constructor":1}}',
    'where={"a":{"$__proto__":1}}',
    'sort=__proto__',
    'sort=-constructor.name',
    'fields=__proto__.polluted',
    'fields=a.constructor',
    'include=__proto__',
    'include=constructor.prototype',
    'after=eyJfX3Byb3RvX18iOnsicG9sbHV0ZWQiOnRydWV9fQ',
  ])('in what a query asks for: %s', async (query) => {
    const list = operations.find(({ id }) => id === 'listDocuments')!
    const [name = '', ...value] = query.split('=')
    const search = new URLSearchParams({ [name]: value.join('=') }).toString()
    const { status, body } = await send(list, { url: (url) => `${url}?${search}` })
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' })
    expectUnpolluted()
  })

  test('however deep they stand', async () => {
    const list = operations.find(({ id }) => id === 'listDocuments')!
    const where = `{"a":${'['.repeat(2000)}"prototype"${']'.repeat(2000)}}`
    const search = new URLSearchParams({ where }).toString()
    const { status, body } = await send(list, { url: (url) => `${url}?${search}` })
    expect({ status, code: body.errors[0].code }).toEqual({ status: 400, code: 'too_deep' })
  })

  test.each<object>([
    { groupBy: ['__proto__'], select: { n: { $count: true } } },
    { groupBy: ['constructor.name'], select: { n: { $count: true } } },
    { select: { constructor: { $count: true } } },
    { select: { n: { $sum: '__proto__.polluted' } } },
    { select: { n: { $count: true } }, sort: ['__proto__'] },
    { select: { n: { $count: true } }, having: { constructor: 1 } },
  ])('in aggregates: %j', async (body) => {
    const aggregate = operations.find(({ id }) => id === 'aggregateDocuments')!
    expect((await send(aggregate, { body })).status).toBe(400)
    expectUnpolluted()
  })

  test.each<object>([
    { indexes: [{ fields: ['__proto__'] }] },
    { indexes: [{ fields: ['a.constructor.b'] }] },
    { fields: { constructor: { read: 'true' } } },
    { fields: { 'a.prototype': { read: 'true' } } },
    { rules: { read: 'doc.__proto__.polluted == 1' } },
    { rules: { read: 'doc.constructor.name == "Object"' } },
    { rules: { read: '__proto__.polluted == 1' } },
    { rules: { read: 'doc["__proto__"] == 1' } },
  ])('in declarations of collections: %j', async (body) => {
    const put = operations.find(({ id }) => id === 'putCollection')!
    expect((await send(put, { body })).status).toBe(400)
    expectUnpolluted()
  })

  test('in the lines of an import', async () => {
    const lines = [
      '{"__proto__":{"polluted":true}}',
      '{"a":{"__proto__":{"polluted":true}}}',
      '{"a":[{"constructor":{"prototype":{"polluted":true}}}]}',
      '{"id":"__proto__","prototype":1}',
    ]
    const { body } = await send(
      operations.find(({ id }) => id === 'importDocuments')!,
      {
        body: lines.join('\n'),
      },
    )
    expect(body).toMatchObject({ imported: 0, failed: lines.length })
    expectUnpolluted()
  })

  /** The server runs in this process. */
  function expectUnpolluted(): void {
    expect(({} as Json)['polluted']).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  }
})

interface Schema {
  anyOf?: Schema[]
  type?: string
  properties?: Record<string, Schema>
}

const wrong = new Map<string, unknown[]>([
  ['string', [['a'], { $ne: '' }, 7, true, null]],
  ['integer', ['5', [5], {}, 1.5, null]],
  ['boolean', ['true', 1, [true], null]],
  ['array', [{}, 'a', 7, null]],
  ['object', [[], 'a', 7, true]],
])

/** Bodies that are right but for one property, whose type is wrong; with its name. */
function* confused(schema: Schema, body: Json): Generator<[string, unknown]> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    for (const value of wrong.get(property.type ?? '') ?? []) {
      yield [`${name} = ${JSON.stringify(value)}`, { ...body, [name]: value }]
    }
    for (const [what, inner] of confused(property, (body[name] ?? {}) as Json)) {
      yield [`${name}.${what}`, { ...body, [name]: inner }]
    }
  }
}

describe('types', () => {
  test('a property of another type is refused by every route', async () => {
    const faults: string[] = []
    let sent = 0
    for (const operation of withJsonBody()) {
      const bodies: [string, unknown][] = [
        ...['[]', '"text"', '7', 'true', 'null'].map((text): [string, unknown] => [text, text]),
        ...confused(operation.bodySchema as Schema, validBody(operation)),
      ]
      const mayBeLeftOut = (operation.bodySchema as Schema).anyOf?.some(({ type }) => type === 'null')
      for (const [what, body] of bodies) {
        if (what === 'null' && mayBeLeftOut === true) continue
        const { status, body: answer } = await send(operation, { body })
        sent++
        if (status !== 400 || answer.code !== 'invalid_request' || answer.errors.length === 0) {
          faults.push(`${operation.id} ${what}: ${status} ${JSON.stringify(answer)}`)
        }
      }
    }
    expect(faults).toEqual([])
    expect(sent).toBeGreaterThan(150)
  })

  test('a query parameter that comes twice, or as an object, is refused by every route', async () => {
    const faults: string[] = []
    let sent = 0
    for (const operation of operations) {
      for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
        for (const query of [`${name}=1&${name}=2`, `${name}[]=1`, `${name}[a]=1`]) {
          const { status } = await send(operation, { url: (url) => `${url.split('?')[0]}?${query}` })
          sent++
          // A key is asked for before anything else.
          if (status !== 400 && !(name === 'key' && status === 401)) {
            faults.push(`${operation.id} ?${query}: ${status}`)
          }
        }
      }
    }
    expect(faults).toEqual([])
    expect(sent).toBeGreaterThan(30)
  })
})

describe('text that PostgreSQL does not take', () => {
  const texts = ['a\u0000b', '\u0000', 'a\ud800']

  test('in any property of any body is a fault of the caller', async () => {
    const faults: string[] = []
    for (const operation of withJsonBody()) {
      const { properties = {} } = operation.bodySchema as Schema
      for (const [name, { type }] of Object.entries(properties)) {
        if (type !== 'string') continue
        for (const text of texts) {
          const { status } = await send(operation, { body: { ...validBody(operation), [name]: text } })
          if (status < 400 || status >= 500)
            faults.push(`${operation.id} ${name} ${JSON.stringify(text)}: ${status}`)
        }
      }
    }
    expect(faults).toEqual([])
  })

  test('in addresses is a fault of the caller', async () => {
    const faults: string[] = []
    for (const operation of operations) {
      for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'query')) {
        const { status } = await send(operation, {
          url: (url) => `${url.split('?')[0]}?${name}=a%00b`,
        })
        if (status < 400 || status >= 500) faults.push(`${operation.id} ?${name}: ${status}`)
      }
    }
    expect(faults).toEqual([])
  })

  test.each(['%00', 'a%00', '%ED%A0%80', '..%2F..', "'%20OR%201=1--", 'a'.repeat(1000)])(
    'in paths leads nowhere: %s',
    async (text) => {
      const faults: string[] = []
      for (const operation of operations) {
        for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'path')) {
          const { status } = await send(
            { ...operation, pattern: operation.pattern.replace(`{${name}}`, text) },
            {},
          )
          if (![400, 401, 404].includes(status)) faults.push(`${operation.id} {${name}}: ${status}`)
        }
      }
      expect(faults).toEqual([])
    },
  )
})
