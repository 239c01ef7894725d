import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** Where debuggers find the functions. For development alone: whoever gets through may run code in them. */
export interface Inspector {
  /** From now on this process is shown: the port that it opened on 127.0.0.1. */
  follow(port: number): void
  close(): Promise<void>
}

/** One address that stays, whatever process there is. Throws when it is taken. */
export async function serveInspector(at: { host: string; port: number }): Promise<Inspector> {
  let port: number | undefined
  const server = createServer((request, response) => {
    if (!isLocal(request)) return void response.writeHead(403).end()
    if (port === undefined) return tell(response, isList(request) ? [] : about)
    void listTargets(port).then(
      (targets) => tell(response, isList(request) ? targets.map((one) => present(one, request)) : about),
      () => tell(response, []),
    )
  })
  server.on('upgrade', (request, socket, head) => {
    if (port === undefined || !isLocal(request) || !isFunction(request.url)) return void socket.destroy()
    pass(request, socket, head, port)
  })
  server.listen(at.port, at.host)
  await once(server, 'listening')
  return {
    follow(next) {
      port = next
    },
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const about = { Browser: 'Basalt', 'Protocol-Version': '1.3' }

/** The worker that holds the way to the server, and must stay closed, is `host`. */
const ofFunction = 'LOADER:'

function isFunction(url: string | undefined): boolean {
  return url?.startsWith(`/${ofFunction}`) === true
}

function isList({ url }: IncomingMessage): boolean {
  return url === '/json' || url === '/json/' || url === '/json/list'
}

/**
 * A page in the developer's browser can send requests to this machine too: it says its origin with a WebSocket, and
 * a name of its own where it has one that leads here. Debuggers have no origin, or that of the browser's tools.
 */
function isLocal({ headers: { host = '', origin } }: IncomingMessage): boolean {
  const isOurName = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(host)
  return isOurName && (origin === undefined || /^(devtools|chrome-devtools|vscode-file):\/\//.test(origin))
}

interface Target {
  id: string
}

async function listTargets(port: number): Promise<Target[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timeout = AbortSignal.timeout(2_000)
  const asked = httpRequest({ host: '127.0.0.1', port, path: '/json/list', signal: timeout }, (answer) => {
    let text = ''
    answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
    answer.once('end', () => resolve(text))
    answer.once('error', reject)
  })
  asked.once('error', reject)
  asked.end()
  const targets: Target[] = JSON.parse(await promise)
  return targets.filter(({ id }) => id.startsWith(ofFunction))
}

function present({ id }: Target, { headers: { host = '' } }: IncomingMessage): object {
  const address = `${host}/${id}`
  return {
    id,
    type: 'node',
    title: `function ${id.slice(ofFunction.length).replace(/@.*/, '')}`,
    description: 'a function of Basalt',
    webSocketDebuggerUrl: `ws://${address}`,
    devtoolsFrontendUrl: `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${address}`,
  }
}

function tell(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body))
}

/** The handshake as it came, and everything after it. */
function pass(request: IncomingMessage, socket: Duplex, head: Buffer, port: number): void {
  const inner = connect(port, '127.0.0.1')
  const lines = [`GET ${request.url} HTTP/1.1`]
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2)
    if (name.toLowerCase() !== 'origin') lines.push(`${name}: ${value}`)
  }
  inner.write(`${lines.join('\r\n')}\r\n\r\n`)
  inner.write(head)
  inner.pipe(socket).pipe(inner)
  inner.once('error', () => socket.destroy())
  socket.once('error', () => inner.destroy())
  socket.once('close', () => inner.destroy())
}
