import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Config } from '../../config.ts'
import type { Logger } from '../../platform/logging.ts'
import type { Project } from '../../projects/project.ts'
import { functionUnavailable } from '../errors.ts'
import type { Confinement } from './confinement.ts'
import type { EndReason } from './function-process.ts'
import { ProjectRuntime, type RuntimeHost } from './project-runtime.ts'
import { openRunFolder, type RunFolder } from './run-folder.ts'
import { startWorkerd } from './start-workerd.ts'
import { findConfinement } from './find-confinement.ts'
import { serveInspector } from './serve-inspector.ts'
import { findWorkerd } from './workerd-binary.ts'

/** The processes of all projects that run functions on this node. */
export interface Runtimes {
  /** Undefined: functions don't run here. */
  readonly protection: Confinement['kind'] | undefined
  /** How many projects have a process. */
  readonly running: number
  of(project: Project): ProjectRuntime
  /** Runs `work` with a process that nothing else uses, and ends it. */
  tryOut<T>(project: Project, work: (runtime: ProjectRuntime) => Promise<T>): Promise<T>
  /** Milliseconds until a function that kept hanging on this node is called again; 0 for all others. */
  quarantinedFor(projectId: string, name: string): number
  /** A new version may have mended what kept hanging. */
  forgetHangs(projectId: string): void
  /** Ends the processes of a project that is gone, or whose functions are to start anew. */
  drop(projectId: string): Promise<void>
  close(): Promise<void>
}

export interface RuntimeSeams {
  /** A request of a project's function, through the project's own socket. */
  onRequest(project: Project, request: IncomingMessage, response: ServerResponse): void
  onOutput(project: Project, output: Readable): void
  /** A process has ended, in earnest or on trial. */
  onEnd(reason: EndReason): void
}

const reapEveryMs = 5_000

/** Finds out what this host offers, and says so in the log. */
export async function openRuntimes(config: Config, log: Logger, seams: RuntimeSeams): Promise<Runtimes> {
  const program = findWorkerd()
  const runFolder = await openRunFolder(config.dataDir)
  const heapMegabytes = Math.ceil(config.limits.functionMemoryBytes / 1024 / 1024)
  const confinement = await confine(program, config.functionProtection, runFolder, log)
  const inspector = config.inspect === undefined ? undefined : await serveInspector(config.inspect)
  if (config.inspect !== undefined) {
    log.warn(
      { address: config.inspect },
      'debuggers get into functions, which share the network: for development only',
    )
  }
  const runtimes = new Map<string, ProjectRuntime>()
  const triedOut = new Set<ProjectRuntime>()

  const host: RuntimeHost = {
    log,
    limits: {
      heapBytes: config.limits.functionMemoryBytes,
      // Heaps of several functions, and what lies outside of them: buffers, WebAssembly, compiled code.
      memoryBytes: config.limits.functionMemoryBytes * 3,
      mayPause: inspector !== undefined,
    },
    idleMs: config.limits.functionIdleMs,
    async start(platform, isTrial) {
      if (program === undefined || confinement === undefined) throw new Error('workerd does not run here')
      const folder = await runFolder.make()
      platform.listen(join(folder, 'platform.sock'))
      await once(platform, 'listening')
      const isInspected = inspector !== undefined && !isTrial
      const workerd = await startWorkerd({
        program,
        confinement,
        runFolder,
        folder,
        heapMegabytes,
        isInspected,
      })
      if (workerd.inspectorPort !== undefined) inspector?.follow(workerd.inspectorPort)
      return workerd
    },
    servePlatform: (project) =>
      createServer(
        { keepAliveTimeout: 60_000, requestTimeout: 0 },
        (request, response) => seams.onRequest(project, request, response),
        // A socket of the file system has no address, and every request is expected to have one.
      ).on('connection', (socket) => Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1' })),
    readOutput: (project, output) => seams.onOutput(project, output),
    ended: (reason) => seams.onEnd(reason),
  }

  function requireWorkerd(): void {
    if (confinement === undefined) throw functionUnavailable('Functions do not run on this server.', 60)
  }

  const reaper = setInterval(() => runtimes.forEach((runtime) => runtime.reap()), reapEveryMs).unref()
  return {
    protection: confinement?.kind,
    get running() {
      return [...runtimes.values()].filter(({ isRunning }) => isRunning).length
    },
    of(project) {
      requireWorkerd()
      const runtime = runtimes.get(project.id) ?? new ProjectRuntime(project, host)
      runtimes.set(project.id, runtime)
      return runtime
    },
    async tryOut(project, work) {
      requireWorkerd()
      const runtime = new ProjectRuntime(project, {
        ...host,
        limits: { ...host.limits, mayPause: false },
        start: (platform) => host.start(platform, true),
      })
      triedOut.add(runtime)
      try {
        return await work(runtime)
      } finally {
        triedOut.delete(runtime)
        await runtime.stop()
      }
    },
    quarantinedFor: (projectId, name) => runtimes.get(projectId)?.hangs.quarantinedFor(name) ?? 0,
    forgetHangs: (projectId) => runtimes.get(projectId)?.hangs.forget(),
    async drop(projectId) {
      const runtime = runtimes.get(projectId)
      runtimes.delete(projectId)
      await runtime?.stop()
    },
    async close() {
      clearInterval(reaper)
      await Promise.all([...runtimes.values(), ...triedOut].map((runtime) => runtime.stop()))
      await inspector?.close()
      await runFolder.close()
    },
  }
}

async function confine(
  program: string | undefined,
  wanted: Config['functionProtection'],
  runFolder: RunFolder,
  log: Logger,
): Promise<Confinement | undefined> {
  if (program === undefined) {
    log.warn('functions do not run here: workerd is not installed, or there is none for this system')
    return undefined
  }
  try {
    const confinement = await findConfinement(program, wanted, runFolder)
    log[confinement.kind === 'namespaces' ? 'info' : 'warn'](
      { protection: confinement.kind },
      confinement.kind === 'namespaces'
        ? 'functions run in namespaces of their own, without network and files'
        : 'functions are held by workerd alone: this host grants no namespaces, or was told to use none',
    )
    return confinement
  } catch (error) {
    log.warn({ err: error }, 'functions do not run here: workerd does not start, or not as it has to')
    return undefined
  }
}
