import { json } from 'node:stream/consumers'
import type { Issue } from '../../platform/errors.ts'
import type { Project } from '../../projects/project.ts'
import { deploymentInvalid } from '../errors.ts'
import type { Functions } from '../functions.ts'
import { mapStack } from '../logs/map-stack.ts'
import { ProcessEndedError } from '../runtime/function-process.ts'
import type { ProjectRuntime } from '../runtime/project-runtime.ts'
import { wrapCode } from '../runtime/wrap-code.ts'
import type { Bundle } from './bundle-functions.ts'
import { type FunctionEntry, readEntry } from './function-entry.ts'

const loadWithinMs = 5_000
const maxIssues = 20

/**
 * Loads every function in a process that nothing else uses, and asks what it is: its exports say so, not the upload.
 * Throws 422 for those that don't load.
 */
export async function trialLoad(
  { runtimes }: Functions,
  project: Project,
  names: ReadonlyMap<string, string>,
  bundle: Bundle,
): Promise<FunctionEntry[]> {
  return runtimes.tryOut(project, async (runtime) => {
    const entries: FunctionEntry[] = []
    const issues: Issue[] = []
    for (const [name, file] of names) {
      const found = await describe(runtime, name, file, bundle)
      if ('code' in found) issues.push(found)
      else entries.push(found)
      if (issues.length >= maxIssues) break
    }
    if (issues.length > 0) throw deploymentInvalid(issues)
    return entries
  })
}

async function describe(
  runtime: ProjectRuntime,
  name: string,
  file: string,
  bundle: Bundle,
): Promise<FunctionEntry | Issue> {
  const own = bundle.entries[name]
  if (own === undefined) throw new Error(`the bundle lacks ${name}`)
  const modules = Object.fromEntries(own.modules.map((path) => [path, bundle.modules[path] ?? '']))
  try {
    const { process } = await runtime.process()
    await process.load(name, () => wrapCode(modules, own.main, {}))
    const { answer, release } = await process.call({
      name,
      isolate: name,
      method: 'POST',
      path: '/',
      headers: { 'x-basalt-invocation': 'trial' },
      body: JSON.stringify({ kind: 'describe' }),
      signal: AbortSignal.timeout(loadWithinMs),
    })
    const kind = answer.headers['x-basalt-answer']
    const said = kind === undefined ? undefined : await json(answer)
    if (kind === undefined) answer.resume()
    release()
    return readAnswer(name, file, bundle, said)
  } catch (error) {
    if (error instanceof ProcessEndedError) {
      return {
        path: file,
        code: 'load_failed',
        message: `it ended its process while it was loaded (${error.reason})`,
      }
    }
    if (error instanceof Error && error.name === 'TimeoutError') {
      return { path: file, code: 'load_failed', message: `it did not load within ${loadWithinMs} ms` }
    }
    throw error
  }
}

function readAnswer(name: string, file: string, bundle: Bundle, said: unknown): FunctionEntry | Issue {
  if (typeof said === 'object' && said !== null && 'output' in said) return readEntry(name, file, said.output)
  const { message = 'it does not load', stack } =
    (said as { error?: { message: string; stack?: string } } | undefined)?.error ?? {}
  // The first frame of the function's own tells the line.
  const place = /\(?([\w@./-]+:\d+:\d+)\)?$/m.exec(stack === undefined ? '' : mapStack(stack, bundle))?.[1]
  return { path: place ?? file, code: 'load_failed', message }
}
