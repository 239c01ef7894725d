import { posix } from 'node:path'
import { invalidValue } from '../../platform/errors.ts'
import type { UploadedFiles } from './resolve-upload.ts'

/**
 * In addresses: `POST …/functions/{name}`; and in the ids of events, which are as long as those of documents may be. The
 * words are addresses already.
 */
const namePattern = /^[a-z][A-Za-z0-9_-]{0,47}$/
const reserved = new Set(['deployments', 'secrets', 'usage', 'logs'])
const sources = /\.(ts|tsx|mts|js|mjs|jsx)$/
const maxFunctions = 200

/**
 * Which functions an upload has: those that `entries` names, else one for each file right in `functions/`, but for
 * tests, declarations and what begins with `_`. No entries at all are meant so: the project has no functions then.
 * Throws 400 for names that can't be.
 */
export function nameFunctions(
  files: UploadedFiles,
  entries: Readonly<Record<string, string>> | undefined,
): ReadonlyMap<string, string> {
  const found = entries === undefined ? inFolder(files) : Object.entries(entries)
  if (found.length === 0 && entries === undefined)
    throw invalidValue('files', 'hold no function: put one in functions/', 'required')
  if (found.length > maxFunctions)
    throw invalidValue('files', `hold more than ${maxFunctions} functions`, 'too_many')
  for (const [name, file] of found) {
    if (!namePattern.test(name) || reserved.has(name)) {
      throw invalidValue(
        file,
        `can't be named ${name}: up to 48 letters, digits, - and _ after a small letter`,
        'invalid_name',
      )
    }
    if (!files.has(file))
      throw invalidValue(`manifest.entries.${name}`, `${file} is not among the files`, 'not_found')
  }
  const names = new Map(found)
  if (names.size !== found.length)
    throw invalidValue('files', 'two of the functions have the same name', 'duplicate')
  return names
}

function inFolder(files: UploadedFiles): [name: string, file: string][] {
  return [...files.keys()]
    .filter((path) => posix.dirname(path) === 'functions' && sources.test(path))
    .map((path): [string, string] => [posix.basename(path).replace(sources, ''), path])
    .filter(([name]) => !/^_|\.(test|spec|d)$/.test(name))
}
