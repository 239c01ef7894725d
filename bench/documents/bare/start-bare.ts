import { fileURLToPath } from 'node:url'
import type { Subject } from '../paths.ts'
import { rawRequest } from '../../raw-request.ts'
import { startProcess } from '../../start-process.ts'

/** Serves texts of the size that Basalt's answers have, and echoes what it's sent. */
export async function startBare(document: string, list: string): Promise<Subject> {
  const script = fileURLToPath(new URL('serve-bare.ts', import.meta.url))
  const { found, stop } = await startProcess({
    file: process.execPath,
    args: [script, document, list],
    ready: /^bare server at http:\/\/127\.0\.0\.1:(\d+)/,
  })
  return {
    name: 'bare Fastify',
    port: Number(found),
    dialect: {
      read: () => rawRequest({ path: '/document' }),
      list: () => rawRequest({ path: '/list' }),
      create: (body) => rawRequest({ method: 'POST', path: '/echo', body }),
      update: (_id, body) => rawRequest({ method: 'POST', path: '/echo', body }),
    },
    stop,
  }
}
