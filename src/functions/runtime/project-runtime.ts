import type { Server } from 'node:http'
import type { Readable } from 'node:stream'
import type { Logger } from '../../platform/logging.ts'
import type { Project } from '../../projects/project.ts'
import { functionUnavailable } from '../errors.ts'
import { type EndReason, FunctionProcess, type ProcessLimits } from './function-process.ts'
import { createHangRecord, type HangRecord } from './hang-record.ts'
import type { Workerd } from './start-workerd.ts'

export interface RuntimeHost {
  log: Logger
  limits: ProcessLimits
  /** Without calls for so long, the process is ended. */
  idleMs: number
  start(platform: Server, isTrial: boolean): Promise<Workerd>
  /** Serves the functions' way back: everything that comes through it is of this project. */
  servePlatform(project: Project): Server
  readOutput(project: Project, output: Readable): void
  ended(reason: EndReason): void
}

// Each new code costs some 2 MB that workerd keeps.
const maxLoadedCodes = 60
const maxAgeMs = 6 * 3_600_000
const retireWithinMs = 35_000
const firstBackoffMs = 100
const maxBackoffMs = 10_000

/** The functions of one project on this node: at most one process takes calls, one that is replaced finishes its own. */
export class ProjectRuntime {
  readonly project: Project
  readonly hangs: HangRecord = createHangRecord()
  readonly #host: RuntimeHost
  readonly #processes = new Set<FunctionProcess>()
  #current: FunctionProcess | undefined
  #starting: Promise<FunctionProcess> | undefined
  #crashes = 0
  #notBefore = 0
  #isStopped = false

  constructor(project: Project, host: RuntimeHost) {
    this.project = project
    this.#host = host
  }

  get isRunning(): boolean {
    return this.#current?.isAlive === true
  }

  /** The process for the next call; starts one where there is none. Throws 503 while it keeps crashing. */
  async process(): Promise<{ process: FunctionProcess; isCold: boolean }> {
    const current = this.#current
    if (current?.isAlive === true && !isWornOut(current)) return { process: current, isCold: false }
    if (this.#isStopped) throw functionUnavailable('The server is stopping.')
    const waitMs = this.#notBefore - Date.now()
    if (waitMs > 0) throw functionUnavailable('The functions of this project keep crashing.', waitMs / 1000)
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined))
    return { process: await this.#starting, isCold: true }
  }

  async #start(): Promise<FunctionProcess> {
    const worn = this.#current
    const platform = this.#host.servePlatform(this.project)
    let workerd: Workerd
    try {
      workerd = await this.#host.start(platform, false)
    } catch (error) {
      platform.close()
      this.#noteCrash()
      throw functionUnavailable('The runtime of functions does not start.', 1, error)
    }
    const process = new FunctionProcess(workerd, this.#host.limits)
    this.#processes.add(process)
    this.#host.readOutput(this.project, workerd.stdout)
    void process.ended.then((reason) => {
      platform.close()
      platform.closeAllConnections()
      this.#processes.delete(process)
      if (this.#current === process) this.#current = undefined
      this.#host.ended(reason)
      if (reason === 'stopped') return
      if (reason === 'hung') this.hangs.note(process.runningAtEnd)
      this.#host.log.warn({ project: this.project.ref, reason }, 'a process of functions has ended')
      this.#noteCrash()
    })
    // The server may have been told to stop in the meantime.
    if (this.#isStopped) process.kill('stopped')
    this.#current = process
    if (worn !== undefined) void retire(worn)
    return process
  }

  /** A call came back: whatever crashed before, it works now. */
  noteSuccess(): void {
    this.#crashes = 0
  }

  #noteCrash(): void {
    this.#crashes += 1
    // The first one may be anything: the next call has its process at once.
    const backoff = this.#crashes < 3 ? 0 : Math.min(firstBackoffMs * 2 ** (this.#crashes - 3), maxBackoffMs)
    this.#notBefore = Date.now() + backoff
  }

  /** Lets the process go when nobody has called for long. */
  reap(): void {
    const current = this.#current
    if (current === undefined || current.callsUnderWay > 0) return
    if (Date.now() - current.lastUsedAt > this.#host.idleMs) current.kill('stopped')
  }

  /** The next call gets a new process; calls under way finish in the old one. */
  recycle(): void {
    const current = this.#current
    this.#current = undefined
    if (current !== undefined) void retire(current)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#starting?.catch(() => undefined)
    const ended = [...this.#processes].map((process) => process.ended)
    for (const process of this.#processes) process.kill('stopped')
    await Promise.all(ended)
  }
}

function isWornOut(process: FunctionProcess): boolean {
  return process.loadedCodes > maxLoadedCodes || Date.now() - process.startedAt > maxAgeMs
}

async function retire(process: FunctionProcess): Promise<void> {
  const deadline = Date.now() + retireWithinMs
  while (process.isAlive && process.callsUnderWay > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  process.kill('stopped')
}
