import { join } from 'node:path'
import pg from 'pg'
import { call } from '../call.ts'
import { type Process, startProcess } from '../start-process.ts'
import { installPeer } from './install-peer.ts'

const user = 'basalt'
const database = 'parse'
const application = 'bench'
const masterKey = 'only for the bench'

/** What clients of the application show. */
export const parseHeaders = { 'x-parse-application-id': application }
export const parseApplication = application

export interface ParsePlace {
  /** To put files into. */
  folder: string
  /** Where Basalt's PostgreSQL is, which is there for others too. */
  sockets: string
}

interface ParseClass {
  name: string
  fields: Record<string, { type: string; required?: boolean }>
  /** Whoever knows the application's id may do this, under each object's own access list. */
  allowed: readonly ('get' | 'find' | 'count' | 'create' | 'update')[]
}

/** Parse Server on a database of its own in the same PostgreSQL, with one class that can be followed live. */
export async function launchParse(place: ParsePlace, defined: ParseClass): Promise<Process> {
  const { folder, sockets } = place
  const program = join(installPeer('parse'), 'server.js')
  await executeOn(sockets, user, `CREATE DATABASE ${database}`)
  const running = await startProcess({
    file: process.execPath,
    args: [
      program,
      JSON.stringify({ sockets, user, database, application, masterKey, live: [defined.name] }),
    ],
    // Where it puts its logs, whatever it is told.
    cwd: folder,
    ready: /^parse at (\d+)/,
  })
  try {
    await defineClass(`http://127.0.0.1:${running.found}/parse`, defined)
    return running
  } catch (error) {
    await running.stop()
    throw error
  }
}

async function defineClass(url: string, { name, fields, allowed }: ParseClass): Promise<void> {
  const all = ['get', 'find', 'count', 'create', 'update', 'delete', 'addField'] as const
  await call(`${url}/schemas/${name}`, {
    method: 'POST',
    headers: { ...parseHeaders, 'x-parse-master-key': masterKey },
    body: {
      className: name,
      fields,
      classLevelPermissions: Object.fromEntries(
        all.map((operation) => [operation, allowed.some((each) => each === operation) ? { '*': true } : {}]),
      ),
    },
  })
}

/** Straight in its database. */
export function executeInParse(sockets: string, sql: string, values: unknown[] = []): Promise<void> {
  return executeOn(sockets, database, sql, values)
}

async function executeOn(host: string, name: string, sql: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ host, user, database: name })
  await client.connect()
  try {
    await client.query(sql, values)
  } finally {
    await client.end()
  }
}
