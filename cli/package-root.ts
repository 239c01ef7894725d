import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname } from 'node:path'

/** The folder of the package, whether this is the source or what was compiled of it. */
export const packageRoot = dirname(findPackageJSON(import.meta.url) ?? '')

export function version(): string {
  const { version }: { version: string } = JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8'))
  return version
}
