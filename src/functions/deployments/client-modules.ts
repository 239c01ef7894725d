import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** In a checkout the client's sources, which need no build; in a package what was built. */
const sources = fileURLToPath(new URL('../../../client-sdk/src/', import.meta.url))
const isCheckout = existsSync(sources)

const exported = new Map([
  ['@basalt/client', 'client'],
  ['@basalt/client/functions', 'functions'],
  ['@basalt/client/functions/runtime', 'functions/run-function'],
])

/**
 * The file of the client library that an import means: the one that belongs to this server, whatever was uploaded.
 * @param importer the file of the library that imports another one
 */
export function clientModule(path: string, importer: string | undefined): string {
  if (importer !== undefined) return resolve(dirname(importer), path)
  const name = exported.get(path)
  if (name === undefined) throw new Error(`${path} does not exist`)
  return isCheckout ? `${sources}${name}.ts` : fileURLToPath(import.meta.resolve(path))
}
