import { launchParse, parseApplication, parseHeaders } from '../peer/launch-parse.ts'
import { launchPocketbase } from '../peer/launch-pocketbase.ts'
import { rawRequest } from '../raw-request.ts'
import type { RoomsSubject } from './rooms-subject.ts'

export const peers = ['parse', 'pocketbase'] as const

interface PeerPlace {
  folder: string
  /** Where Basalt's PostgreSQL is. */
  sockets: string
}

/** Another server with rooms. Theirs begin empty: neither of them tells what there is, only what comes. */
export function startPeerRooms(name: (typeof peers)[number], place: PeerPlace): Promise<RoomsSubject> {
  return name === 'parse' ? startParseRooms(place) : startPocketbaseRooms(place.folder)
}

/** Each object's access list says who is told of it; here everybody. */
async function startParseRooms(place: PeerPlace): Promise<RoomsSubject> {
  const { found, pid, stop } = await launchParse(place, {
    name: 'Message',
    fields: {
      room: { type: 'String', required: true },
      number: { type: 'Number', required: true },
      text: { type: 'String', required: true },
      public: { type: 'Boolean', required: true },
    },
    allowed: ['get', 'find', 'create'],
  })
  const acl = { '*': { read: true } }
  return {
    name: 'Parse Server',
    pid,
    port: Number(found),
    server: { protocol: 'parse', url: `http://127.0.0.1:${found}/parse`, key: parseApplication },
    write: (message) =>
      rawRequest({
        method: 'POST',
        path: '/parse/classes/Message',
        headers: parseHeaders,
        body: { ...message, ACL: acl },
      }),
    stop,
  }
}

const visible = 'public = true && room = @request.query.room'

async function startPocketbaseRooms(folder: string): Promise<RoomsSubject> {
  const { pid, port, stop } = await launchPocketbase(folder, {
    name: 'messages',
    type: 'base',
    schema: [
      { name: 'room', type: 'text', required: true, options: {} },
      { name: 'number', type: 'number', options: {} },
      { name: 'text', type: 'text', options: {} },
      { name: 'public', type: 'bool', options: {} },
    ],
    indexes: ['CREATE INDEX `by_room` ON `messages` (`room`, `number` DESC)'],
    listRule: visible,
    viewRule: visible,
    createRule: '@request.data.public = true',
  })
  return {
    name: 'PocketBase',
    pid,
    port,
    server: { protocol: 'pocketbase', url: `http://127.0.0.1:${port}`, key: '' },
    write: (body) => rawRequest({ method: 'POST', path: '/api/collections/messages/records', body }),
    stop,
  }
}
