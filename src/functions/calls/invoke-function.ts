import type { IncomingMessage } from 'node:http'
import { ApiError, invalidRequest } from '../../platform/errors.ts'
import { findPrototypeName } from '../../platform/prototype-names.ts'
import type { Project } from '../../projects/project.ts'
import { functionFailed, functionNotFound, functionRejected } from '../errors.ts'
import type { Functions } from '../functions.ts'
import { chooseVersion, dispatch, type Invocation } from './dispatch.ts'

const maxOutputBytes = 6 * 1024 * 1024

/**
 * Calls a function and gives what it returns, as JSON. Everything that calls functions comes through here, HTTP
 * functions aside, whose bodies are streams. Throws 404 when no function of this kind has the name, 400 for an input
 * that doesn't fit, and what `dispatch` throws.
 */
export async function invokeFunction(
  functions: Functions,
  project: Project,
  name: string,
  invocation: Invocation,
): Promise<unknown> {
  const release = await functions.versions.of(project)
  if (release === null) throw functionNotFound(name)
  // What Basalt itself calls was chosen among the functions of the active version.
  const version = invocation.kind === 'callable' ? chooseVersion(release) : release.active
  const entry = version.entries.get(name)
  if (entry?.kind !== invocation.kind) throw functionNotFound(name)
  const issues = version.input.get(name)?.(invocation.input) ?? []
  if (issues.length > 0) {
    throw invalidRequest(
      issues.map((issue) => ({ ...issue, path: issue.path === '' ? 'input' : `input.${issue.path}` })),
    )
  }
  const { answer, finish, explain } = await dispatch(
    functions,
    project,
    { version, entry, secrets: release.secrets },
    invocation,
  )
  try {
    const output = readResult(name, await readText(name, answer), answer)
    const [fault] = version.output.get(name)?.(output) ?? []
    if (fault !== undefined)
      throw functionFailed(name, `the output is not what it should be: ${fault.path} ${fault.message}`)
    await finish()
    return output
  } catch (error) {
    const told = explain(error)
    // A refusal is an answer.
    const isRefusal = told instanceof ApiError && told.code === 'rejected'
    await finish(isRefusal ? undefined : { message: told.message, stack: stackOf(told) })
    throw told
  }
}

async function readText(name: string, answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    const part = Buffer.from(chunk)
    bytes += part.length
    if (bytes > maxOutputBytes)
      throw functionFailed(name, `the output is larger than ${maxOutputBytes} bytes`)
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString()
}

/** What the function returned. Throws what it threw. */
function readResult(name: string, text: string, { headers }: IncomingMessage): unknown {
  const kind = headers['x-basalt-answer']
  if (kind !== 'result' && kind !== 'error') throw functionFailed(name, 'it could not be loaded')
  const result: { output?: unknown; error?: ThrownError } = JSON.parse(text)
  if (result.error !== undefined) throw asApiError(name, result.error)
  if (findPrototypeName(text, result.output) !== undefined)
    throw functionFailed(name, 'the output has a reserved name')
  return result.output
}

/** As the wrapper inside describes it. */
interface ThrownError {
  name: string
  message: string
  stack?: string
  rejected?: true
}

const stacks = new WeakMap<Error, string>()

/** The stack is for the logs alone. */
export function asApiError(functionName: string, { name, message, stack, rejected }: ThrownError): ApiError {
  if (rejected === true) return functionRejected(message)
  const error = functionFailed(functionName, name === 'Error' ? message : `${name}: ${message}`)
  if (stack !== undefined) stacks.set(error, stack)
  return error
}

export function stackOf(error: Error): string | undefined {
  return stacks.get(error)
}
