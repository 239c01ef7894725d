import type { Message } from './realtime-client.ts'

export interface Shown {
  id: string
  version?: number
  [field: string]: unknown
}

/** The list that a client keeps by the protocol. Throws where the server tells what can't be. */
export class LiveList {
  documents: Shown[] = []
  cursor: string | undefined

  apply(message: Message): void {
    if (message.type === 'snapshot') this.documents = [...message.documents]
    else for (const change of message.changes) this.#step(change)
    const from = sequenceOf(this.cursor)
    const to = sequenceOf(message.cursor)
    if (to < from) throw new Error(`the cursor went back from ${this.cursor} to ${message.cursor}`)
    this.cursor = message.cursor
  }

  #step({ kind, document, index }: { kind: string; document: Shown; index: number }): void {
    const at = this.documents.findIndex(({ id }) => id === document.id)
    const isKnown = at !== -1
    if (isKnown !== (kind !== 'added')) {
      throw new Error(`${kind} came for ${document.id}, which ${isKnown ? 'is' : 'is not'} in the list`)
    }
    if (isKnown) this.documents.splice(at, 1)
    if (kind === 'removed') return
    if (index > this.documents.length) throw new Error(`${document.id} was put at ${index}, behind the end`)
    this.documents.splice(index, 0, document)
  }
}

function sequenceOf(cursor: string | undefined): number {
  return Number(cursor?.split('.')[0] ?? 0)
}
