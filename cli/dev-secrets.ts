import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Target } from './environments.ts'
import { CliFault, messageOf } from './fault.ts'

/** What the functions of `basalt dev` read as `env`. Beside the folder's code, and not for version control. */
export const devSecretsFile = '.env.local'

/** Sets what the file says and this process has not set yet, and unsets what went. Tells the names. */
export function createDevSecrets(folder: string, { api, project }: Target): () => Promise<string[]> {
  const known = new Map<string, string>()
  const pathOf = (name: string): string => `/v1/projects/${project}/functions/secrets/${name}`
  return async () => {
    const wanted = await readSecrets(folder)
    const told: string[] = []
    for (const [name, value] of wanted) {
      if (known.get(name) === value) continue
      await api.call('PUT', pathOf(name), { body: { value } })
      known.set(name, value)
      told.push(name)
    }
    for (const name of [...known.keys()].filter((each) => !wanted.has(each))) {
      await api.call('DELETE', pathOf(name))
      known.delete(name)
      told.push(`-${name}`)
    }
    return told
  }
}

/** Variables with names that secrets can have; others are somebody else's business. */
async function readSecrets(folder: string): Promise<Map<string, string>> {
  try {
    const variables = parseEnv(await readFile(join(folder, devSecretsFile), 'utf8'))
    const entries = Object.entries(variables).flatMap(([name, value]): [string, string][] =>
      value !== undefined && value !== '' && /^[A-Z][A-Z0-9_]{0,63}$/.test(name) ? [[name, value]] : [],
    )
    return new Map(entries)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map()
    throw new CliFault(`${devSecretsFile} can't be read: ${messageOf(error)}`, { cause: error })
  }
}
