import { type Basalt, collection, defineSchema, number, string } from '../src/client.ts'
import { callable, functionsFor, http } from '../src/functions.ts'

/** Compiled, never run: what the types of functions must accept, and what they must refuse. */

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function sameType<A, B>(isSame: Same<A, B>): void

const schema = defineSchema({ collections: { lamps: collection({ name: string(), price: number() }) } })

const add = callable({
  input: { a: number(), b: number(), note: string().optional() },
  output: { sum: number() },
  handler(input) {
    sameType<typeof input.a, number>(true)
    sameType<typeof input.note, string | undefined>(true)
    return { sum: input.a + input.b }
  },
})

// @ts-expect-error not what it promises
callable({ output: { sum: number() }, handler: () => ({ sum: 'three' }) })
// @ts-expect-error nobody may call by this name
callable({ access: 'everybody', handler: () => ({}) })
// @ts-expect-error an HTTP function answers with a Response
http('GET /x', () => 'text')

const { callable: typedCallable, beforeUpdate, afterWrite } = functionsFor<typeof schema>()

beforeUpdate('lamps', ({ document, before }) => {
  sameType<typeof before.price, number>(true)
  // What was sent is not checked yet.
  sameType<typeof document.price, unknown>(true)
  return { ...document, price: before.price }
})
afterWrite('lamps', ({ document }) => {
  sameType<NonNullable<typeof document>['price'], number>(true)
  // @ts-expect-error it may be gone
  return document.price
})
// @ts-expect-error there is no such collection
afterWrite('lumps', () => undefined)

typedCallable({
  input: { id: string() },
  async handler({ id }, { basalt, auth }) {
    const lamp = await basalt.collection('lamps').get(id)
    sameType<typeof lamp.price, number>(true)
    if (auth !== null) await basalt.collection('lamps').update(id, { name: auth.uid })
    // @ts-expect-error there is no such collection
    basalt.collection('lumps')
    return {}
  },
})

export async function calls(basalt: Basalt<typeof schema>): Promise<void> {
  const { sum } = await basalt.functions.call<typeof add>('add', { a: 1, b: 2 })
  sameType<typeof sum, number>(true)
  // @ts-expect-error not what it takes
  await basalt.functions.call<typeof add>('add', { a: '1', b: 2 })
  // @ts-expect-error it takes something
  await basalt.functions.call<typeof add>('add')
  const untyped = await basalt.functions.call('anything', { x: 1 })
  sameType<typeof untyped, unknown>(true)
}
