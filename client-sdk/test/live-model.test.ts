import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import {
  type Basalt,
  createClient,
  type LiveQueryState,
  memoryStorage,
  type UntypedSchema,
} from '../src/client.ts'
import { type Doc, ModelServer, type Question } from './model-server.ts'

// Whatever happens, and however it is cut off: what a live query shows is what there was at some moment, never an
// earlier one than before, and in the end what there is.

const documentIds = ['a', 'b', 'c', 'd', 'e', 'f']
const questions: Question[] = [
  { group: 0, sort: 'votes', limit: 3 },
  { group: 0, sort: '-votes', limit: 10 },
  { group: 1, sort: 'votes', limit: 1 },
]

const id = fc.constantFrom(...documentIds)
const small = fc.nat({ max: 4 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('put' as const), id, votes: small, group: fc.nat({ max: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), id }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 100, 1_000, 11_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('break' as const), code: fc.constantFrom(1001, 1006, 1013) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('interrupt' as const),
      kind: fc.constantFrom('snapshot' as const, 'resync' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('forget' as const, 'busy' as const, 'down' as const, 'up' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('open' as const, 'close' as const),
      index: fc.nat({ max: 5 }),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

afterEach(() => {
  vi.useRealTimers()
})

test(
  'lists are exact through writes, broken connections, restarts, resyncs and refusals',
  { timeout: 120_000 },
  async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }), async (steps) => {
        vi.clearAllTimers()
        const world = new World()
        for (const each of steps) await world.take(each)
        await world.calm()
      }),
      { numRuns: 1_000 },
    )
  },
)

class World {
  readonly #server = new ModelServer()
  readonly #client = createClient({
    url: 'http://model',
    project: 'demo',
    key: 'pk_1',
    webSocket: this.#server.WebSocket,
    auth: { storage: memoryStorage() },
    fetch: () => Promise.reject(new TypeError('there is no network')),
  })
  readonly #faults: unknown[] = []
  /** Two for each question; the first of them is there from the start. */
  readonly #readers = [...questions, ...questions].map(
    (question) => new Reader(this.#server, question, this.#faults),
  )

  constructor() {
    for (const reader of this.#readers.slice(0, questions.length)) reader.open(this.#client)
  }

  async take(each: Step): Promise<void> {
    switch (each.do) {
      case 'put': {
        const { id, votes, group } = each
        return this.#server.write((documents) => documents.set(id, { id, votes, group }))
      }
      case 'delete':
        return this.#server.write((documents) => documents.delete(each.id))
      case 'deliver':
        this.#server.deliver(each.count)
        return this.#pass(0)
      case 'pass':
        return this.#pass(each.ms)
      case 'break':
        return this.#server.breakAll(each.code)
      case 'interrupt':
        return this.#server.interrupt(each.kind)
      case 'forget':
        return this.#server.forget()
      case 'busy':
        this.#server.busyFor = 3
        return
      case 'down':
      case 'up':
        this.#server.isDown = each.do === 'down'
        return
      case 'open':
        return this.#readers[each.index]!.open(this.#client)
      case 'close':
        return this.#readers[each.index]!.close()
    }
  }

  /** Everything arrives, and there is time for it. */
  async calm(): Promise<void> {
    this.#server.isDown = false
    this.#server.busyFor = 0
    for (let second = 0; second < 120; second++) {
      await this.#pass(1_000)
      while (this.#server.deliver()) await this.#pass(0)
    }
    if (this.#faults.length > 0) throw this.#faults[0]
    for (const reader of this.#readers) reader.expectPresent()
    this.#client.realtime.close()
    expect(vi.getTimerCount()).toBe(0)
  }

  async #pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms)
  }
}

type State = LiveQueryState<Record<string, unknown>>

class Reader {
  readonly #server: ModelServer
  readonly #question: Question
  #live: { readonly state: State; close(): void } | undefined
  #last: State | undefined
  /** The earliest moment that what was last shown may be. */
  #at = 0
  readonly #byChanges = new Map<unknown, unknown>()

  readonly #faults: unknown[]

  constructor(server: ModelServer, question: Question, faults: unknown[]) {
    this.#server = server
    this.#question = question
    this.#faults = faults
  }

  open(client: Basalt<UntypedSchema>): void {
    if (this.#live !== undefined) return
    this.#last = undefined
    const { group, sort, limit } = this.#question
    const live = client.collection('posts').live({ where: { group }, sort: [sort], limit })
    live.onChange((changes) => {
      for (const change of changes) {
        if (change.kind === 'removed') this.#byChanges.delete(change.document['id'])
        else this.#byChanges.set(change.document['id'], change.document)
      }
    })
    live.subscribe((state) => {
      try {
        this.#look(state)
      } catch (fault) {
        this.#faults.push(fault)
      }
    })
    this.#live = live
  }

  close(): void {
    this.#live?.close()
    this.#live = undefined
  }

  expectPresent(): void {
    if (this.#live === undefined) return
    expect(this.#live.state).toEqual({ status: 'live', documents: this.#server.answer(this.#question) })
    const { documents = [] } = this.#live.state
    expect([...this.#byChanges.values()].sort(byId)).toEqual([...documents].sort(byId))
  }

  #look(state: State): void {
    const last = this.#last
    this.#last = state
    if (state.status === 'closed') return
    if (last?.documents !== undefined) {
      expect(state.documents).toBeDefined()
      expectSameObjects(last.documents, state.documents ?? [])
    } else if (state.documents !== undefined) {
      this.#byChanges.clear()
      for (const document of state.documents) this.#byChanges.set(document['id'], document)
    }
    if (state.status !== 'live') return
    while (
      this.#at <= this.#server.now &&
      !isSame(this.#server.answer(this.#question, this.#at), state.documents)
    ) {
      this.#at += 1
    }
    expect(this.#at, 'shows what never was, or goes back in time').toBeLessThanOrEqual(this.#server.now)
  }
}

type Documents = readonly Record<string, unknown>[]

function expectSameObjects(before: Documents, after: Documents): void {
  if (isSame(before, after)) expect(after).toBe(before)
  for (const document of after) {
    const old = before.find((each) => each['id'] === document['id'])
    if (old !== undefined && isSame(old, document)) expect(document).toBe(old)
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function byId(a: unknown, b: unknown): number {
  return (a as Doc).id < (b as Doc).id ? -1 : 1
}
