import { homedir } from 'node:os'
import { join } from 'node:path'
import { isRecord, readJson, writePrivateJson } from './private-file.ts'

/** An operator's sign-in at one server. */
export interface Credential {
  token: string
  email: string
}

/** Where sign-ins are kept: in the user's folder for configuration, never in a project's folder. */
export function credentialsPath(): string {
  const { XDG_CONFIG_HOME, APPDATA } = process.env
  const base = XDG_CONFIG_HOME || (process.platform === 'win32' && APPDATA) || join(homedir(), '.config')
  return join(base, 'basalt', 'credentials.json')
}

/** By the server's address. */
export async function readCredentials(): Promise<Map<string, Credential>> {
  const stored = await readJson(credentialsPath())
  const entries = isRecord(stored) ? Object.entries(stored) : []
  return new Map(
    entries.flatMap(([url, value]): [string, Credential][] =>
      isRecord(value) && typeof value['token'] === 'string'
        ? [[url, { token: value['token'], email: typeof value['email'] === 'string' ? value['email'] : '' }]]
        : [],
    ),
  )
}

export async function saveCredential(url: string, credential: Credential | undefined): Promise<void> {
  const all = await readCredentials()
  if (credential === undefined) all.delete(url)
  else all.set(url, credential)
  await writePrivateJson(credentialsPath(), Object.fromEntries(all))
}
