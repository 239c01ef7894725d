import type { Subject } from '../paths.ts'
import { startParse } from './start-parse.ts'
import { startPocketbase } from './start-pocketbase.ts'

export const peers = ['parse', 'pocketbase'] as const

export interface PeerPlace {
  /** To put files into. */
  folder: string
  /** Where Basalt's PostgreSQL is, which is there for others too. */
  sockets: string
  documents: number
}

/** Another Backend-as-a-Service, with the same documents, index and rules as far as it knows such. */
export async function startPeer(name: (typeof peers)[number], place: PeerPlace): Promise<Subject> {
  return name === 'parse' ? startParse(place) : startPocketbase(place)
}
