import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { call } from '../call.ts'
import { type BenchProject, createProject, launchBasalt } from '../launch-basalt.ts'
import { rawRequest } from '../raw-request.ts'
import { findSockets } from '../find-sockets.ts'
import { collectGarbage } from './collect-garbage.ts'
import { makeMessage, type Message, roomName, type Shape, shownMessages } from './rooms.ts'
import type { RoomsSubject } from './rooms-subject.ts'

export interface BasaltRooms extends RoomsSubject {
  /** The folder of PostgreSQL's socket. */
  readonly sockets: string
  /** Creates in a project of their own, which nobody follows. */
  writeUnfollowed(message: Message): string
  /** What a fresh query shows of each room, as `Followed` has it. */
  lists(): Promise<Record<string, string>>
  collectGarbage(): Promise<void>
  /** Stops the process, PostgreSQL with it, and starts it again where it was. */
  restart(): Promise<void>
}

const collection = {
  schema: {
    type: 'object',
    required: ['room', 'number', 'text', 'public'],
    properties: {
      room: { type: 'string', maxLength: 100 },
      number: { type: 'integer' },
      text: { type: 'string', maxLength: 2000 },
      public: { type: 'boolean' },
    },
  },
  indexes: [{ fields: ['room', '-number'] }],
  rules: {
    read: 'doc.public == true || auth != null',
    list: 'doc.public == true || auth != null',
    create: 'doc.public == true',
  },
}
const linesEachImport = 5000
const questionsAtOnce = 10

/** A server that has just started, on a project whose rooms are full. */
export async function startBasaltRooms(dataDir: string, shape: Shape): Promise<BasaltRooms> {
  const filling = await launchBasalt(dataDir)
  const followed = await createRooms(filling.found)
  const unfollowed = await createRooms(filling.found)
  await fillRooms(filling.found, followed, shape)
  const port = Number(new URL(filling.found).port)
  // What filling has left in memory would hide what sockets take.
  await filling.stop()
  const inspectPort = await freePort()
  // Nothing listens there until somebody asks for it.
  const launch = { port, env: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectPort}` } }
  let process = await launchBasalt(dataDir, launch)
  const url = `${process.found}/v1/projects/${followed.ref}`
  const create = ({ ref, publishable }: BenchProject, body: Message): string =>
    rawRequest({
      method: 'POST',
      path: `/v1/projects/${ref}/collections/messages/documents`,
      headers: { 'x-api-key': publishable },
      body,
    })
  return {
    name: 'Basalt',
    port,
    get pid() {
      return process.pid
    },
    sockets: await findSockets(dataDir),
    server: { protocol: 'basalt', url, key: followed.publishable },
    write: (message) => create(followed, message),
    writeUnfollowed: (message) => create(unfollowed, message),
    lists: () => readLists(url, followed.publishable, shape),
    async restart() {
      await process.stop()
      process = await launchBasalt(dataDir, launch)
    },
    collectGarbage: () => collectGarbage(process.pid, inspectPort),
    stop: () => process.stop(),
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function createRooms(url: string): Promise<BenchProject> {
  const project = await createProject(url)
  await call(`${url}/v1/projects/${project.ref}/collections/messages`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${project.secret}` },
    body: collection,
  })
  return project
}

/** As many in each room as its followers are shown. */
async function fillRooms(url: string, { ref, secret }: BenchProject, { rooms }: Shape): Promise<void> {
  const count = rooms * shownMessages
  for (let start = 0; start < count; start += linesEachImport) {
    const numbers = Array.from({ length: Math.min(linesEachImport, count - start) }, (_, at) => start + at)
    await call(`${url}/v1/projects/${ref}/collections/messages/documents/import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/x-ndjson' },
      body: numbers
        .map((number) => JSON.stringify(makeMessage(roomName(number % rooms), number - count)))
        .join('\n'),
    })
  }
}

async function readLists(url: string, key: string, { rooms }: Shape): Promise<Record<string, string>> {
  const lists: Record<string, string> = {}
  const numbers = Array.from({ length: rooms }).keys()
  const loop = async (): Promise<void> => {
    for (const number of numbers) {
      const room = roomName(number)
      const query = { where: JSON.stringify({ room }), sort: '-number', limit: String(shownMessages) }
      const { documents } = await call<{ documents: { id: string; version: number }[] }>(
        `${url}/collections/messages/documents?${new URLSearchParams(query).toString()}`,
        { headers: { 'x-api-key': key } },
      )
      lists[room] = documents.map(({ id, version }) => `${id} ${version}`).join(',')
    }
  }
  await Promise.all(Array.from({ length: questionsAtOnce }, loop))
  return lists
}
