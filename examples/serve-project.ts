import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface ServedProject {
  url: string
  project: string
  publishableKey: string
  secretKey: string
  stop(): Promise<void>
}

/** Starts a server of its own on an empty data folder, and makes a project there. */
export async function serveProject(): Promise<ServedProject> {
  const dataDir = await mkdtemp(join(tmpdir(), 'basalt-example-'))
  const operator = { email: 'example@example.com', password: randomBytes(12).toString('hex') }
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const server = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      BASALT_DATA_DIR: dataDir,
      BASALT_PORT: '0',
      BASALT_LOG_LEVEL: 'warn',
      BASALT_OPERATOR_EMAIL: operator.email,
      BASALT_OPERATOR_PASSWORD: operator.password,
    },
  })
  const exited = once(server, 'exit')
  const stop = async (): Promise<void> => {
    server.kill()
    await exited
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const url = await findAddress(server.stdout)
    const { token } = await post(`${url}/v1/operators/sign-in`, operator)
    const { project, keys } = await post(`${url}/v1/projects`, { name: 'Example' }, String(token))
    return { url, project: project.ref, publishableKey: keys.publishable, secretKey: keys.secret, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function findAddress(output: Readable): Promise<string> {
  let text = ''
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const address = /serves at (http:\S+)\n/.exec(text)?.[1]
    if (address === undefined) continue
    output.resume()
    return address
  }
  throw new Error(`The server ended without serving:\n${text}`)
}

interface Answer {
  token: string
  project: { ref: string }
  keys: { publishable: string; secret: string }
}

async function post(url: string, body: object, token?: string): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`)
  return JSON.parse(text)
}
