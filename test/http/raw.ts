import { once } from 'node:events'
import { connect } from 'node:net'

/** What came back over a bare socket. */
export interface RawAnswer {
  status: number
  headers: Map<string, string>
  body: string
  /** How long the connection stood. */
  milliseconds: number
}

/** Sends bytes as they are and reads until the server closes the connection. */
export async function sendRaw(url: string, ...parts: string[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const started = Date.now()
  const socket = connect(Number(port), hostname)
  // A server that refuses in the middle of a request may reset the connection after its answer.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()))
  const closed = once(socket, 'close')
  for (const part of parts) socket.write(part)
  await closed
  return { ...parse(received), milliseconds: Date.now() - started }
}

function parse(text: string): Omit<RawAnswer, 'milliseconds'> {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, body: rest.join('\r\n\r\n') }
}
