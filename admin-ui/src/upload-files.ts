import { api, Refused } from './api.ts'
import type { Place } from './project-frame.ts'

/** Text, or any bytes. */
export type SourceFile = string | { base64: string }

/** What a version is made of, in the form in which it is deployed. */
export interface Sources {
  files: Record<string, SourceFile>
  manifest?: {
    entries?: Record<string, string>
    resolutions?: Record<string, Record<string, string>>
  }
}

/** What was uploaded for a version. Null where it was not kept. */
export async function readSources(place: Place, id: string): Promise<Sources | null> {
  const path = `${place.api}/functions/deployments/${encodeURIComponent(id)}/sources`
  return api<Sources>('GET', path).catch((error: unknown) => {
    if (error instanceof Refused && error.code === 'not_found') return null
    throw error
  })
}

/** Whether somebody here has written it, rather than the author of a package. */
export function isOwnFile(path: string): boolean {
  return !/(^|\/)node_modules\//.test(path)
}

/** Files that were chosen one by one belong into `functions/`. */
export async function readFiles(chosen: readonly File[]): Promise<Map<string, SourceFile>> {
  const files = chosen.map(async (file) => [`functions/${file.name}`, await contentOf(file)] as const)
  return new Map(await Promise.all(files))
}

/**
 * The files of a folder that holds `functions/`, or that is it. Left out is what is hidden, since secrets lie there
 * (`.env`), and packages unless they are wanted.
 */
export async function readFolder(
  chosen: readonly File[],
  withPackages: boolean,
): Promise<Map<string, SourceFile>> {
  const inside = chosen
    .map((file) => ({ file, path: file.webkitRelativePath.split('/').slice(1).join('/') }))
    .filter(({ path }) => !/(^|\/)\./.test(path) && (withPackages || isOwnFile(path)))
  const isWhole = inside.some(({ path }) => path.startsWith('functions/'))
  const files = inside.map(async ({ file, path }) => {
    return [isWhole ? path : `functions/${path}`, await contentOf(file)] as const
  })
  return new Map(await Promise.all(files))
}

async function contentOf(file: File): Promise<SourceFile> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await file.arrayBuffer())
  } catch {
    return { base64: await base64Of(file) }
  }
}

function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => {
      const url = typeof reader.result === 'string' ? reader.result : ''
      resolve(url.slice(url.indexOf(',') + 1))
    })
    reader.addEventListener('error', () => reject(new Refused(`${file.name} can’t be read.`)))
    reader.readAsDataURL(file)
  })
}

const functionFile = /^functions\/([^_/][^/]*)\.(ts|tsx|mts|js|mjs|jsx)$/

/** The manifest for files that have changed: what it says of those that went goes, and functions that came come. */
export function manifestFor(
  files: ReadonlyMap<string, SourceFile>,
  manifest: Sources['manifest'],
): Sources['manifest'] {
  if (manifest === undefined) return undefined
  const { entries, resolutions = {} } = manifest
  const isThere = ([, path]: [string, string]): boolean => files.has(path)
  const kept = Object.entries(resolutions)
    .filter(([importer]) => files.has(importer))
    .map(([importer, meant]) => [importer, Object.fromEntries(Object.entries(meant).filter(isThere))])
  if (entries === undefined) return { resolutions: Object.fromEntries(kept) }
  const known = Object.entries(entries).filter(isThere)
  const named = new Set(known.map(([, path]) => path))
  const added = [...files.keys()].flatMap((path): [string, string][] => {
    const name = functionFile.exec(path)?.[1]
    return name === undefined || named.has(path) || /\.(test|spec|d)$/.test(name) ? [] : [[name, path]]
  })
  return { entries: Object.fromEntries([...known, ...added]), resolutions: Object.fromEntries(kept) }
}
