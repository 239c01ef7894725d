import { addressGroup } from '../projects/address-group.ts'
import type { RealtimeSocket } from './realtime-socket.ts'

/** The sockets that are open on this node. */
export class OpenSockets {
  readonly #sockets = new Set<RealtimeSocket>()
  readonly #byAddress = new Map<string, number>()

  get size(): number {
    return this.#sockets.size
  }

  /** How many come from a group of addresses (`addressGroup`). */
  countOf(group: string): number {
    return this.#byAddress.get(group) ?? 0
  }

  add(socket: RealtimeSocket): void {
    this.#sockets.add(socket)
    this.#count(socket, 1)
  }

  delete(socket: RealtimeSocket): void {
    if (this.#sockets.delete(socket)) this.#count(socket, -1)
  }

  [Symbol.iterator](): IterableIterator<RealtimeSocket> {
    return this.#sockets.values()
  }

  #count({ ip }: RealtimeSocket, step: 1 | -1): void {
    const group = addressGroup(ip)
    const count = this.countOf(group) + step
    if (count === 0) this.#byAddress.delete(group)
    else this.#byAddress.set(group, count)
  }
}
