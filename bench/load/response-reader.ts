const headEnd = Buffer.from('\r\n\r\n')
const lastChunk = Buffer.from('0\r\n\r\n')
const nothing = Buffer.alloc(0)

/**
 * Finds the end of HTTP/1.1 responses on a connection that carries one at a time (RFC 9112), and no more than
 * that: bodies are counted, not read. Waiting for one answer before the next request, a generator never finds
 * the start of a second response behind the first.
 */
export class ResponseReader {
  /** Of the last response whose head arrived. */
  status = 0
  #head: Buffer = nothing
  #tail: Buffer = nothing
  #body: 'none' | 'counted' | 'chunked' = 'none'
  #missing = 0

  /** Takes what arrived, whose memory may be reused afterwards. True when the response is whole. */
  push(bytes: Buffer): boolean {
    switch (this.#body) {
      case 'none':
        return this.#readHead(bytes)
      case 'counted':
        return this.#count(bytes.length)
      case 'chunked':
        return this.#findLastChunk(bytes)
    }
  }

  #readHead(bytes: Buffer): boolean {
    const all = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes])
    const end = all.indexOf(headEnd)
    if (end === -1) {
      this.#head = Buffer.from(all)
      return false
    }
    this.#head = nothing
    const head = all.toString('latin1', 0, end)
    this.status = Number(head.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    const arrived = all.length - end - headEnd.length
    if (length !== undefined) {
      this.#body = 'counted'
      this.#missing = Number(length)
      return this.#count(arrived)
    }
    if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return true
    this.#body = 'chunked'
    return this.#findLastChunk(all.subarray(end + headEnd.length))
  }

  #count(arrived: number): boolean {
    this.#missing -= arrived
    if (this.#missing > 0) return false
    this.#body = 'none'
    return true
  }

  /** JSON has no line ends of its own, so these five bytes stand at the end only. */
  #findLastChunk(bytes: Buffer): boolean {
    const end = Buffer.concat([this.#tail, bytes.subarray(-lastChunk.length)]).subarray(-lastChunk.length)
    if (!end.equals(lastChunk)) {
      this.#tail = end
      return false
    }
    this.#tail = nothing
    this.#body = 'none'
    return true
  }
}
