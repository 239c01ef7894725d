/** How many follow what, and how much is said. Each socket follows two rooms, each room has ten followers. */
export interface Shape {
  readonly sockets: number
  readonly rooms: number
  /** Writes, each to one room. */
  readonly perSecond: number
}

export const roomsEachSocket = 2
const followersEachRoom = 10
/** What a follower sees of a room: the newest. */
export const shownMessages = 20

/** Five thousand sockets meet 500 writes a second, and fewer meet accordingly fewer. */
export function shapeOf(sockets: number): Shape {
  return {
    sockets,
    rooms: (sockets * roomsEachSocket) / followersEachRoom,
    perSecond: Math.ceil(sockets / 10),
  }
}

/** Sockets come in multiples of it, from the second on, so that every room has its ten followers. */
export const socketStep = followersEachRoom / roomsEachSocket

/** The rooms of a socket: two different ones. */
export function roomsOf(socket: number, { rooms }: Shape): string[] {
  return [socket, socket + 1 + Math.floor(socket / rooms)].map((number) => roomName(number % rooms))
}

export function roomName(number: number): string {
  return `room-${number}`
}

/** What everybody follows at once. */
export const lobby = 'lobby'

export interface Message {
  room: string
  /** Later ones have greater numbers. */
  number: number
  text: string
  public: boolean
}

/** About 200 bytes of JSON. */
export function makeMessage(room: string, number: number): Message {
  return { room, number, text: `What is said in ${room}, ${'and then some '.repeat(8)}`, public: true }
}
