import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { FunctionCode } from './function-code.ts'
import { readUsage } from './process-usage.ts'
import type { Workerd } from './start-workerd.ts'

/** Why a process was ended while calls were under way; `crashed` when it ended by itself. */
export type EndReason = 'hung' | 'out_of_memory' | 'crashed' | 'stopped'

/** What went wrong with the process, so that the call has no answer. */
export class ProcessEndedError extends Error {
  override readonly name = 'ProcessEndedError'
  readonly reason: EndReason

  constructor(reason: EndReason) {
    super(`the process of the functions has ended: ${reason}`)
    this.reason = reason
  }
}

export interface ProcessLimits {
  /** Of the whole process. */
  memoryBytes: number
  /** Of the heap of one function. */
  heapBytes: number
  /** A debugger may hold it for as long as somebody thinks. */
  mayPause?: boolean
}

export interface FunctionRequest {
  name: string
  /** Which of the loaded codes answers. */
  isolate: string
  method: string
  path: string
  headers: Record<string, string | string[]>
  body: string | Readable | undefined
  signal: AbortSignal
}

// Two of these without an answer, and the CPU time of a loop: 500 ms of it since the process last gave way.
const pingEveryMs = 250
const idlePingEveryMs = 5_000
const hungAfterCpuMs = 450
// Something that waits without computing holds nobody up, unless it does so for ever.
const hungAfterMs = 5_000
// A bomb of buffers fills some 100 MB in this time.
const memoryPollMs = 20

/**
 * One workerd with the functions of one project. It is watched while calls are under way: a loop without end stops
 * everything in it, and workerd enforces no limit itself.
 */
export class FunctionProcess {
  readonly #workerd: Workerd
  readonly #limits: ProcessLimits
  readonly #agent: Agent
  readonly #loaded = new Map<string, Promise<void>>()
  readonly #underWay = new Map<(error: ProcessEndedError) => void, string>()
  #pingTimer: NodeJS.Timeout | undefined
  #memoryTimer: NodeJS.Timeout | undefined
  #end: EndReason | undefined
  /** The ping that has no answer yet: when it was sent, and what was used by then. */
  #asked: { at: number; cpuMs: number; bytes: number } | undefined
  #pingDueAt = 0
  lastUsedAt = Date.now()
  /** The most memory that was seen. */
  peakBytes = 0
  readonly startedAt = Date.now()
  /** The functions that were under way when it was ended. */
  runningAtEnd: readonly string[] = []
  /** Resolves when it has ended and everything of it is gone. */
  readonly ended: Promise<EndReason>

  constructor(workerd: Workerd, limits: ProcessLimits) {
    this.#workerd = workerd
    this.#limits = limits
    this.#agent = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 32 })
    this.ended = workerd.ended.then((said) => this.#onEnded(said))
    this.#ping()
  }

  get pid(): number {
    return this.#workerd.pid
  }

  get stdout(): Readable {
    return this.#workerd.stdout
  }

  get isAlive(): boolean {
    return this.#end === undefined
  }

  get callsUnderWay(): number {
    return this.#underWay.size
  }

  /** How many codes it holds: workerd never lets go of one. */
  get loadedCodes(): number {
    return this.#loaded.size
  }

  hasLoaded(isolate: string): boolean {
    return this.#loaded.has(isolate)
  }

  /** Hands the code over, once; it is compiled by the first call. */
  load(isolate: string, code: () => Promise<FunctionCode>): Promise<void> {
    const loading = this.#loaded.get(isolate) ?? this.#load(isolate, code)
    this.#loaded.set(isolate, loading)
    loading.catch(() => this.#loaded.delete(isolate))
    return loading
  }

  async #load(isolate: string, code: () => Promise<FunctionCode>): Promise<void> {
    const body = JSON.stringify({ isolate, ...(await code()) })
    const signal = AbortSignal.timeout(10_000)
    const answer = await this.#send({
      name: '',
      isolate,
      method: 'POST',
      path: '/load',
      headers: {},
      body,
      signal,
    })
    answer.resume()
    if (answer.statusCode !== 204) throw new Error(`the code was not taken: ${answer.statusCode}`)
  }

  /**
   * Sends a request to a function and gives the answer as soon as its head is there. Throws a `ProcessEndedError`
   * when the process ends first, and the signal's reason when that is aborted. `release` says that the call is over.
   */
  async call(request: FunctionRequest): Promise<{ answer: IncomingMessage; release: () => void }> {
    if (this.#end !== undefined) throw new ProcessEndedError(this.#end)
    const { promise: died, reject } = Promise.withResolvers<never>()
    died.catch(() => undefined)
    let answer: IncomingMessage | undefined
    const onEnd = (error: ProcessEndedError): void => {
      reject(error)
      answer?.destroy(error)
    }
    this.#underWay.set(onEnd, request.name)
    this.#watch()
    const release = (): void => {
      this.#underWay.delete(onEnd)
      this.lastUsedAt = Date.now()
    }
    try {
      answer = await Promise.race([this.#send(request), died])
      return { answer, release }
    } catch (error) {
      // The connection may break a moment before the end is known, and only the end says why.
      if (!request.signal.aborted) await Promise.race([this.ended, sleep(300)])
      release()
      throw this.#end === undefined ? error : new ProcessEndedError(this.#end)
    }
  }

  #send({ isolate, method, path, headers, body, signal }: FunctionRequest): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const outgoing = httpRequest({
      socketPath: this.#workerd.socket,
      agent: this.#agent,
      method,
      path,
      headers: { ...headers, 'x-basalt-isolate': isolate },
      signal,
    })
    outgoing.on('response', resolve)
    outgoing.on('error', (error) => reject(signal.aborted ? asError(signal.reason) : error))
    if (typeof body === 'object') {
      body.on('error', (error) => outgoing.destroy(error))
      body.pipe(outgoing)
    } else outgoing.end(body)
    return promise
  }

  kill(reason: EndReason): void {
    if (this.#end === undefined) this.runningAtEnd = [...this.#underWay.values()]
    this.#end ??= reason
    clearTimeout(this.#pingTimer)
    clearInterval(this.#memoryTimer)
    this.#workerd.kill()
  }

  #onEnded(said: string): EndReason {
    const reason = (this.#end ??= /out of memory|heap limit/i.test(said) ? 'out_of_memory' : 'crashed')
    clearTimeout(this.#pingTimer)
    clearInterval(this.#memoryTimer)
    this.#agent.destroy()
    for (const fail of this.#underWay.keys()) fail(new ProcessEndedError(reason))
    this.#underWay.clear()
    return reason
  }

  /** From the first call on closely, until nothing is under way any more. */
  #watch(): void {
    if (this.#memoryTimer !== undefined) return
    this.#ping()
    this.#memoryTimer = setInterval(() => {
      const bytes = readUsage(this.pid)?.bytes ?? 0
      this.peakBytes = Math.max(this.peakBytes, bytes)
      if (bytes > this.#limits.memoryBytes) this.kill('out_of_memory')
      // What `waitUntil` holds goes on for a while.
      else if (this.#underWay.size === 0 && Date.now() - this.lastUsedAt > 2_000) {
        clearInterval(this.#memoryTimer)
        this.#memoryTimer = undefined
      }
    }, memoryPollMs)
  }

  #ping(): void {
    clearTimeout(this.#pingTimer)
    if (!this.isAlive || this.#limits.mayPause) return
    // When this event loop was late itself, the answer may lie unread.
    const isLate = Date.now() - this.#pingDueAt > pingEveryMs
    if (this.#asked !== undefined && !isLate && isHung(this.pid, this.#asked)) {
      // A heap that fills up stops everything too, collecting garbage over and over. A mere loop takes no memory.
      const bytes = readUsage(this.pid)?.bytes ?? 0
      const isFull = bytes > this.#limits.heapBytes || bytes - this.#asked.bytes > this.#limits.heapBytes / 4
      return this.kill(isFull ? 'out_of_memory' : 'hung')
    }
    if (this.#asked === undefined) this.#askForSign()
    const isBusy = this.#underWay.size > 0 || this.#memoryTimer !== undefined
    const wait = isBusy ? pingEveryMs : idlePingEveryMs
    this.#pingDueAt = Date.now() + wait
    this.#pingTimer = setTimeout(() => this.#ping(), wait).unref()
  }

  #askForSign(): void {
    const { cpuMs, bytes } = readUsage(this.pid) ?? { cpuMs: 0, bytes: 0 }
    this.#asked = { at: Date.now(), cpuMs, bytes }
    const request = httpRequest({ socketPath: this.#workerd.socket, agent: this.#agent, path: '/ping' })
    request.on('response', (answer) => {
      answer.resume()
      this.#asked = undefined
    })
    request.on('error', () => (this.#asked = undefined))
    request.end()
  }
}

/** On a busy machine a process may be late without fault: what tells a loop is the CPU time that it has used. */
function isHung(pid: number, asked: { at: number; cpuMs: number }): boolean {
  const silentMs = Date.now() - asked.at
  if (silentMs < pingEveryMs * 2) return false
  const usage = readUsage(pid)
  return silentMs > hungAfterMs || (usage !== undefined && usage.cpuMs - asked.cpuMs > hungAfterCpuMs)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
