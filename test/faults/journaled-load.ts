import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'

/** Where to write, with a secret key. */
export interface Target {
  /** Nodes: each attempt goes to any of them. */
  urls: string[]
  ref: string
  secret: string
}

/** An answer that says more than `try again`: what must not be there during faults. */
export interface Oddity {
  status: number
  text: string
  milliseconds: number
}

type Kept = Record<string, unknown>

const counters = 3
const accounts = 4
const longestAnswerMs = 15_000

/**
 * Writers that keep on through every fault, each of them a client that repeats a request with the same
 * `Idempotency-Key` until it is acknowledged, and writes down what was.
 */
export class JournaledLoad {
  readonly #target: Target
  readonly #random: () => number
  readonly #created = new Map<string, Kept>()
  readonly #pairs = new Map<string, Kept>()
  readonly #deleted = new Set<string>()
  readonly #abandoned = new Set<string>()
  readonly #increments = Array.from({ length: counters }, () => 0)
  readonly #balances = Array.from({ length: accounts }, () => 0)
  readonly oddities: Oddity[] = []
  #acknowledged = 0
  #refused = 0
  #replayed = 0
  #cutOff = 0
  #stopped = false
  #writing: Promise<unknown> = Promise.resolve()
  #next = 0

  constructor(target: Target, random: () => number) {
    this.#target = target
    this.#random = random
  }

  /** Writes that were acknowledged so far. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Answers that asked to come again. */
  get refused(): number {
    return this.#refused
  }

  /** Writes that had happened when their answer was lost, and were answered at the next attempt. */
  get replayed(): number {
    return this.#replayed
  }

  /** Requests without an answer. */
  get cutOff(): number {
    return this.#cutOff
  }

  async prepare(): Promise<void> {
    for (const name of ['entries', 'pairs', 'counters', 'accounts']) {
      await this.#send('PUT', `/collections/${name}`, {}, `define-${name}`)
    }
    for (let at = 0; at < counters; at++) await this.#create('counters', { id: `c${at}`, n: 0 })
    for (let at = 0; at < accounts; at++) await this.#create('accounts', { id: `a${at}`, balance: 0 })
  }

  start(writers: number): void {
    this.#writing = Promise.all(Array.from({ length: writers }, () => this.#write()))
  }

  /** Every writer brings its last write to an end. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#writing
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      const chance = this.#random()
      const number = this.#next++
      if (chance < 0.3) await this.#createEntry(number)
      else if (chance < 0.4) await this.#deleteEntry(number)
      else if (chance < 0.45) await this.#abandonEntry(number)
      else if (chance < 0.65) await this.#increment(number)
      else if (chance < 0.85) await this.#transfer(number)
      else await this.#createPair(number)
    }
  }

  async #createEntry(number: number): Promise<void> {
    const id = `e${number}`
    const data = { number, text: `entry ${number} `.repeat(1 + (number % 40)) }
    await this.#create('entries', { id, ...data })
    this.#created.set(id, data)
  }

  async #deleteEntry(number: number): Promise<void> {
    const [id] = this.#created.keys()
    if (id === undefined) return
    this.#created.delete(id)
    await this.#send('DELETE', `/collections/entries/documents/${id}`, undefined, `delete-${number}`)
    this.#deleted.add(id)
  }

  /** Sent once, by a client that asks no more: it is there whole, or not at all. */
  async #abandonEntry(number: number): Promise<void> {
    const body = { id: `x${number}`, number, text: 'abandoned '.repeat(20) }
    this.#abandoned.add(body.id)
    await this.#attempt('POST', '/collections/entries/documents', body, undefined)
  }

  async #increment(number: number): Promise<void> {
    const at = number % counters
    const body = { n: { $increment: 1 } }
    await this.#send('PATCH', `/collections/counters/documents/c${at}`, body, `increment-${number}`)
    this.#increments[at] = (this.#increments[at] ?? 0) + 1
  }

  /** Money moves between two documents, and none may be lost on the way. */
  async #transfer(number: number): Promise<void> {
    const from = number % accounts
    const to = (from + 1 + Math.floor(this.#random() * (accounts - 1))) % accounts
    const amount = 1 + Math.floor(this.#random() * 100)
    const move = (id: number, by: number): object => ({
      op: 'update',
      collection: 'accounts',
      id: `a${id}`,
      data: { balance: { $increment: by } },
    })
    const body = { operations: [move(from, -amount), move(to, amount)] }
    await this.#send('POST', '/transactions', body, `transfer-${number}`)
    this.#balances[from] = (this.#balances[from] ?? 0) - amount
    this.#balances[to] = (this.#balances[to] ?? 0) + amount
  }

  async #createPair(number: number): Promise<void> {
    const make = (id: string): object => ({ op: 'create', collection: 'pairs', id, data: { number } })
    const body = { operations: [make(`p${number}-left`), make(`p${number}-right`)] }
    await this.#send('POST', '/transactions', body, `pair-${number}`)
    this.#pairs.set(`p${number}-left`, { number })
    this.#pairs.set(`p${number}-right`, { number })
  }

  async #create(collection: string, body: Kept): Promise<void> {
    await this.#send('POST', `/collections/${collection}/documents`, body, `create-${String(body['id'])}`)
  }

  /** Until it is acknowledged. */
  async #send(method: string, path: string, body: unknown, key: string): Promise<void> {
    while (!(await this.#attempt(method, path, body, key))) await sleep(20 + this.#random() * 60)
    this.#acknowledged++
  }

  async #attempt(method: string, path: string, body: unknown, key: string | undefined): Promise<boolean> {
    const { urls, ref, secret } = this.#target
    const url = urls[Math.floor(this.#random() * urls.length)] ?? ''
    const started = Date.now()
    let response: Response
    let text: string
    try {
      response = await fetch(`${url}/v1/projects/${ref}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${secret}`,
          ...(key !== undefined && { 'idempotency-key': key }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(longestAnswerMs),
      })
      text = await response.text()
    } catch (error) {
      this.#cutOff++
      // Cut off, or nobody there: that is the fault under test, unless somebody hangs.
      if (error instanceof Error && error.name === 'TimeoutError') this.#note(0, 'no answer', started)
      return false
    }
    if (response.headers.has('idempotency-replayed')) this.#replayed++
    if (response.status < 300) return true
    this.#refused++
    const isUnavailable =
      response.status === 503 &&
      text.includes('"code":"unavailable"') &&
      Number(response.headers.get('retry-after')) >= 1
    if (!isUnavailable) this.#note(response.status, `${method} ${path} ${key ?? ''}: ${text}`, started)
    return false
  }

  #note(status: number, text: string, started: number): void {
    this.oddities.push({ status, text, milliseconds: Date.now() - started })
    // A request that can't succeed any more would be repeated for ever.
    if (this.oddities.length > 50) this.#stopped = true
    if (this.oddities.length > 200) throw new Error(`never acknowledged: ${text}`)
  }

  /** Everything acknowledged is there, once and whole, and the change log tells the same story. */
  async verify(): Promise<void> {
    const entries = await this.#readAll('entries')
    const pairs = await this.#readAll('pairs')
    const wrong: string[] = []
    for (const [id, data] of this.#created) {
      if (!holds(entries.get(id), data))
        wrong.push(`the acknowledged ${id} is ${JSON.stringify(entries.get(id))}`)
    }
    for (const id of this.#deleted) if (entries.has(id)) wrong.push(`the deleted ${id} is there`)
    for (const id of this.#abandoned) {
      const found = entries.get(id)
      if (found !== undefined && String(found['text']).length !== 200) wrong.push(`${id} is half written`)
    }
    for (const [id, data] of this.#pairs)
      if (!holds(pairs.get(id), data)) wrong.push(`the pair ${id} is lost`)
    for (const id of pairs.keys()) {
      const twin = id.endsWith('left') ? id.replace('left', 'right') : id.replace('right', 'left')
      if (!pairs.has(twin)) wrong.push(`${id} is half a transaction`)
    }
    for (const id of entries.keys()) {
      if (!this.#created.has(id) && !this.#abandoned.has(id)) wrong.push(`nobody wrote ${id}`)
    }
    expect(wrong).toEqual([])
    const values = (documents: Map<string, Kept>, field: string) =>
      [...documents.values()].map((document) => document[field])
    const countersFound = await this.#readAll('counters')
    const accountsFound = await this.#readAll('accounts')
    expect(values(countersFound, 'n')).toEqual(this.#increments)
    expect(values(accountsFound, 'balance')).toEqual(this.#balances)
    await this.#verifyChanges(
      new Map([
        ['entries', entries],
        ['pairs', pairs],
        ['counters', countersFound],
        ['accounts', accountsFound],
      ]),
    )
  }

  /** The log is numbered without gaps, and whoever replays it has exactly the documents. */
  async #verifyChanges(stored: Map<string, Map<string, Kept>>): Promise<void> {
    const replayed = new Map([...stored.keys()].map((name) => [name, new Map<string, Kept>()]))
    let last = 0
    for (let hasMore = true; hasMore;) {
      const page = await this.#read(`/changes?after=${last}&limit=500`)
      const { changes, hasMore: more } = JSON.parse(page)
      for (const { seq, kind, collection, id, document, before } of changes) {
        expect(seq).toBe(last + 1)
        last = seq
        const documents = replayed.get(collection)
        expect(documents?.get(id) ?? null).toEqual(before)
        if (kind === 'delete') documents?.delete(id)
        else documents?.set(id, document)
      }
      hasMore = more
    }
    for (const [name, documents] of stored) {
      expect(sorted(replayed.get(name) ?? new Map())).toEqual(sorted(documents))
    }
  }

  /** In the order of their ids. */
  async #readAll(collection: string): Promise<Map<string, Kept>> {
    const text = await this.#read(`/collections/${collection}/documents/export`)
    const documents = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Kept => JSON.parse(line))
    return sorted(new Map(documents.map((document) => [String(document['id']), document])))
  }

  async #read(path: string): Promise<string> {
    const { urls, ref, secret } = this.#target
    const response = await fetch(`${urls[0]}/v1/projects/${ref}${path}`, {
      headers: { authorization: `Bearer ${secret}` },
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`)
    return text
  }
}

function sorted(documents: Map<string, Kept>): Map<string, Kept> {
  return new Map([...documents].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function holds(document: Kept | undefined, data: Kept): boolean {
  return Object.entries(data).every(([name, value]) => document?.[name] === value)
}

/** Signs in as the first operator and makes a project to write to. */
export async function createTarget(url: string, credentials: object): Promise<Target> {
  const session = await post(`${url}/v1/operators/sign-in`, credentials)
  const created = await post(`${url}/v1/projects`, { name: 'Journal' }, session.body.token)
  expect(created.status).toBe(201)
  return { urls: [url], ref: created.body.project.ref, secret: created.body.keys.secret }
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of any shape
async function post(url: string, body: object, token?: string): Promise<{ status: number; body: any }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: await response.json() }
}
