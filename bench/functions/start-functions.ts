import { join } from 'node:path'
import { call } from '../call.ts'
import { findSockets } from '../find-sockets.ts'
import { type BenchProject, createProject, launchBasalt } from '../launch-basalt.ts'
import { sources } from './function-sources.ts'

/** A server with a project that has functions and collections with hooks. */
export interface FunctionsServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The folder of PostgreSQL's socket. */
  readonly sockets: string
  readonly project: BenchProject
  stop(): Promise<void>
}

const collection = {
  schema: {
    type: 'object',
    required: ['item', 'amount'],
    properties: { item: { type: 'string' }, amount: { type: 'integer' }, price: { type: 'integer' } },
  },
  rules: { create: 'doc.amount > 0' },
}
// A project has the machine to itself here, so it may run as much at once as a rate of thousands takes.
const env = { BASALT_LIMIT_FUNCTION_CALLS: '64', BASALT_LIMIT_TASKS_AT_ONCE_BY_PROJECT: '60' }
/** By which functions hear of them: nobody, before a write, after it. */
export const collections = ['plain', 'priced', 'noted'] as const

export async function startFunctions(folder: string): Promise<FunctionsServer> {
  const dataDir = join(folder, 'functions')
  const { found: url, pid, stop } = await launchBasalt(dataDir, { env })
  try {
    const project = await createProject(url)
    for (const name of collections) {
      await call(`${url}/v1/projects/${project.ref}/collections/${name}`, {
        method: 'PUT',
        headers: asServer(project),
        body: collection,
      })
    }
    await deploy(url, project, sources)
    return { url, pid, port: Number(new URL(url).port), sockets: await findSockets(dataDir), project, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Switches a project over to these functions. */
export async function deploy(
  url: string,
  project: BenchProject,
  functions: Readonly<Record<string, string>>,
): Promise<void> {
  const files = Object.fromEntries(
    Object.entries(functions).map(([name, code]) => [`functions/${name}.ts`, code]),
  )
  await call(`${url}/v1/projects/${project.ref}/functions/deployments`, {
    method: 'POST',
    headers: asServer(project),
    body: { files },
  })
}

export function asServer({ secret }: BenchProject): Record<string, string> {
  return { authorization: `Bearer ${secret}` }
}

export function asApp({ publishable }: BenchProject): Record<string, string> {
  return { 'x-api-key': publishable }
}
