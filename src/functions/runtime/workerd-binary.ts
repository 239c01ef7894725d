import { createRequire } from 'node:module'
import { join } from 'node:path'

const packages: Readonly<Record<string, string>> = {
  'darwin arm64': '@cloudflare/workerd-darwin-arm64',
  'darwin x64': '@cloudflare/workerd-darwin-64',
  'linux arm64': '@cloudflare/workerd-linux-arm64',
  'linux x64': '@cloudflare/workerd-linux-64',
}

/** Where workerd's program lies; undefined where it was not installed or does not exist for this system. */
export function findWorkerd(): string | undefined {
  const name = packages[`${process.platform} ${process.arch}`]
  if (name === undefined) return undefined
  try {
    // The package of the platform is a dependency of `workerd`, which may keep it to itself.
    const from = createRequire(createRequire(import.meta.url).resolve('workerd/package.json'))
    return join(from.resolve(`${name}/package.json`), '../bin/workerd')
  } catch {
    return undefined
  }
}
