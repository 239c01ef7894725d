import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { newId } from '../../platform/ids.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { FunctionEntry, FunctionKind } from '../deployments/function-entry.ts'
import { readSources } from '../deployments/sources.ts'
import type { Release, Version } from '../deployments/versions.ts'
import * as errors from '../errors.ts'
import type { Functions } from '../functions.ts'
import { ProcessEndedError } from '../runtime/function-process.ts'
import { showSources } from '../runtime/show-sources.ts'
import { wrapCode } from '../runtime/wrap-code.ts'
import { callChain, maxDepth } from './call-chain.ts'
import type { InvocationAuth } from './invocations.ts'
import { limitTime } from './limit-time.ts'

const inspectedMs = 3_600_000

/** How a function is called, whoever calls. */
export interface Invocation {
  kind: FunctionKind
  input?: unknown
  auth: InvocationAuth
  event?: { id?: string; attempt?: number; depth?: number }
  /** Milliseconds, unless the function says less. Absent for calls and requests: the limit of these. */
  deadlineMs?: number
  /** A write that holds the project's lock waits for this call. */
  holdsLock?: boolean
  /** Of a task: takes what the function says of how far it is. */
  progress?: (value: unknown) => void
  /** Ends the call when the caller is gone. */
  signal?: AbortSignal
}

/** The head of an answer. Whoever gets it reads the body and then says how the call ended. */
export interface Dispatched {
  answer: IncomingMessage
  invocationId: string
  /** Whether this is the end of the time that the function had. */
  hasTimedOut: () => boolean
  finish: (failure?: { message: string; stack?: string | undefined }) => Promise<void>
  /** What is told when the body breaks off: why its process ended, or that its time was over. */
  explain: (error: unknown) => Error
}

/** A share of the calls and requests goes to the next version. */
export function chooseVersion({ active, next }: Release): Version {
  return next !== null && Math.random() < next.share ? next.version : active
}

/** Runs a call as far as the head of its answer. Throws what the caller is to be told. */
export async function dispatch(
  functions: Functions,
  project: Project,
  { version, entry, secrets }: { version: Version; entry: FunctionEntry; secrets: Release['secrets'] },
  invocation: Invocation,
  http?: {
    method: string
    url: string
    headers: Record<string, string | string[]>
    body: Readable | undefined
  },
): Promise<Dispatched> {
  const { limits, inspect } = functions.services.config
  const { name, settings } = entry
  const chain = callChain.getStore()
  const depth = Math.max(invocation.event?.depth ?? 0, chain?.depth ?? 0)
  const holdsLock = invocation.holdsLock === true || chain?.holdsLock === true
  const id = newId()
  const line = { projectId: project.id, function: name, invocationId: id, deploymentId: version.id }
  if (depth > maxDepth) {
    functions.logs.write({
      ...line,
      level: 'error',
      message: `The chain of functions ends here: it is ${depth} deep`,
    })
    throw errors.chainTooDeep(depth)
  }
  const runtime = functions.runtimes.of(project)
  const pausedMs = runtime.hangs.quarantinedFor(name)
  if (pausedMs > 0) throw errors.functionUnavailable(`${name} is paused: it keeps hanging.`, pausedMs / 1000)

  const leave = await functions.gateOf(project).enter()
  const startedAt = performance.now()
  const longestMs = invocation.deadlineMs ?? limits.functionMs
  // Whoever looks at a breakpoint takes their time.
  const timeoutMs = inspect === undefined ? Math.min(settings.timeout ?? longestMs, longestMs) : inspectedMs
  const time = limitTime(timeoutMs, invocation.signal)
  let isCold = false
  let memoryBytes = 0
  let release: () => void = () => undefined
  let isOver = false
  const { auth, progress } = invocation
  functions.invocations.begin({ id, project, version, entry, auth, depth, holdsLock, progress })

  const finish: Dispatched['finish'] = async (failure) => {
    if (isOver) return
    isOver = true
    time.end()
    release()
    leave()
    functions.invocations.end(id)
    const milliseconds = performance.now() - startedAt
    functions.usage.add({
      projectId: project.id,
      function: name,
      milliseconds,
      isError: failure !== undefined,
      isCold,
      memoryBytes,
    })
    const outcome = failure === undefined ? 'succeeded' : 'failed'
    functions.metrics.calls.inc({ kind: entry.kind, outcome })
    functions.metrics.seconds.observe({ kind: entry.kind }, milliseconds / 1000)
    if (isCold) functions.metrics.coldStarts.inc()
    if (failure === undefined) return runtime.noteSuccess()
    await functions.logFailure(line, version, failure)
  }
  const explain = (error: unknown): Error => {
    if (error instanceof ProcessEndedError) return ofEnd(name, error)
    if (time.isOver) return errors.functionTimedOut(name, timeoutMs)
    // The caller is gone: nobody hears it.
    if (invocation.signal?.aborted === true) return errors.functionUnavailable('The caller has gone.')
    if (error instanceof Error && 'code' in error && error.code === 'ECONNRESET') {
      return errors.functionFailed(name, 'its answer broke off')
    }
    return error instanceof Error ? error : new Error(String(error))
  }

  try {
    const { process, isCold: isNew } = await runtime.process()
    const isolate = isolateId(name, version, secrets.hash)
    isCold = isNew || !process.hasLoaded(isolate)
    await process.load(isolate, async () => {
      const bundle = await version.bundle()
      const own = bundle.entries[name]
      if (own === undefined) throw new Error(`the bundle lacks ${name}`)
      const modules = Object.fromEntries(own.modules.map((path) => [path, bundle.modules[path] ?? '']))
      const shown =
        inspect === undefined
          ? modules
          : showSources(modules, bundle, await readSources(functions, project, version.id))
      return wrapCode(shown, own.main, secrets.values)
    })
    const call = {
      kind: invocation.kind,
      project: project.ref,
      input: invocation.input,
      ...(http !== undefined && { url: http.url }),
      ...presentCaller(invocation.auth.actor),
      event: { id: invocation.event?.id ?? id, attempt: invocation.event?.attempt ?? 1, depth },
    }
    const called = await process.call({
      name,
      isolate,
      method: http?.method ?? 'POST',
      path: '/',
      headers: {
        ...http?.headers,
        'x-basalt-invocation': id,
        ...(http === undefined
          ? { 'content-type': 'application/json' }
          : { 'x-basalt-call': Buffer.from(JSON.stringify(call)).toString('base64') }),
      },
      body: http === undefined ? JSON.stringify(call) : http.body,
      signal: time.signal,
    })
    memoryBytes = process.peakBytes
    release = called.release
    return { answer: called.answer, invocationId: id, hasTimedOut: () => time.isOver, finish, explain }
  } catch (error) {
    const told = explain(error)
    await finish({ message: told.message })
    throw told
  }
}

/** Another one for each content and each state of the secrets: workerd compiles an id once. */
function isolateId(name: string, { hash }: Version, secretsHash: string): string {
  return `${name}@${createHash('sha256').update(`${hash} ${secretsHash}`).digest('hex').slice(0, 16)}`
}

function presentCaller(actor: Actor | null): { auth: object | null; caller: string } {
  switch (actor?.kind) {
    case undefined:
      return { auth: null, caller: 'system' }
    case 'user': {
      const { uid, email, isEmailVerified, isAnonymous, roles, claims } = actor
      return { auth: { uid, email, isEmailVerified, isAnonymous, roles, claims }, caller: 'user' }
    }
    case 'anonymous':
    case 'function':
      return { auth: null, caller: actor.kind }
    case 'key':
    case 'operator':
      return { auth: null, caller: 'server' }
  }
}

function ofEnd(name: string, { reason }: ProcessEndedError): Error {
  switch (reason) {
    case 'hung':
      return errors.functionHung(name)
    case 'out_of_memory':
      return errors.functionOutOfMemory(name)
    case 'crashed':
      return errors.functionFailed(name, 'the process of the functions has crashed')
    case 'stopped':
      return errors.functionUnavailable('The functions are being started anew; try again.')
  }
}
