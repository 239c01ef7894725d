import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { notFound } from '../../platform/errors.ts'
import type { Project } from '../../projects/project.ts'
import type { Functions } from '../functions.ts'
import type { Resolutions, UploadedFiles } from './resolve-upload.ts'

export interface Upload {
  files: UploadedFiles
  /** Which file each function is; else those in `functions/`. */
  entries?: Readonly<Record<string, string>> | undefined
  resolutions?: Resolutions | undefined
}

/** What was uploaded, in the form of the request, so that whoever reads it can send it again. */
export async function packSources({ files, entries, resolutions }: Upload): Promise<Uint8Array<ArrayBuffer>> {
  const written = [...files].map(([path, content]) => [
    path,
    typeof content === 'string' ? content : { base64: Buffer.from(content).toString('base64') },
  ])
  const manifest = entries !== undefined || resolutions !== undefined ? { entries, resolutions } : undefined
  const text = JSON.stringify({ files: Object.fromEntries(written), manifest })
  return new Uint8Array(await promisify(gzip)(text))
}

/** As JSON. Throws 404 where there is no such version, or its sources were not kept yet. */
export async function readSources(
  { services: { control } }: Functions,
  { id: projectId }: Project,
  id: string,
): Promise<Buffer> {
  const row = await control.functionDeployment.findFirst({
    where: { id, projectId },
    select: { sources: true },
  })
  if (row === null) throw notFound('The deployment')
  if (row.sources === null) throw notFound('What was uploaded for this deployment')
  return promisify(gunzip)(row.sources)
}
