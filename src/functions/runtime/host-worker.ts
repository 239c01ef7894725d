/** The date whose behaviour of workerd is asked for; raise it with the version. */
const compatibilityDate = '2026-11-01'

/**
 * The worker that stands between the server and the functions inside a process. It holds what the functions must
 * not: the way to the server. Each function is an isolate of its own, loaded from what the server pushed.
 *
 * Functions get two doors, whose identity is in props that the host sets and they can't read:
 * - `Egress`, their global fetch: names the isolate, so that the server can ask its list of allowed hosts;
 * - `Platform`, the API of the project: names the invocation, which the server knows.
 * Neither has `connect`, so raw sockets stay closed. `request.cf` would tell the server's process and user numbers.
 */
export const hostWorker = `
import { WorkerEntrypoint } from 'cloudflare:workers'

const loaded = new Map()

function forward(request, extra, kept) {
  const headers = new Headers(request.headers)
  for (const name of [...headers.keys()]) if (name.startsWith('x-basalt-') && name !== kept) headers.delete(name)
  for (const [name, value] of Object.entries(extra)) headers.set(name, value)
  return { method: request.method, headers, body: request.body, redirect: 'manual', signal: request.signal }
}

export class Egress extends WorkerEntrypoint {
  async fetch(request) {
    const extra = { 'x-basalt-isolate': this.ctx.props.isolate, 'x-basalt-url': request.url }
    if (request.headers.has('upgrade')) throw new TypeError('fetch failed: WebSockets to other hosts are not there')
    const answer = await this.env.PLATFORM.fetch('http://basalt/egress', forward(request, extra))
    const refused = answer.headers.get('x-basalt-refused')
    if (refused !== null) throw new TypeError('fetch failed: ' + decodeURIComponent(refused))
    return answer
  }
}

export class Platform extends WorkerEntrypoint {
  fetch(request) {
    const url = new URL(request.url)
    const extra = { 'x-basalt-invocation': this.ctx.props.invocation }
    const to = 'http://basalt/api' + url.pathname + url.search
    return this.env.PLATFORM.fetch(to, forward(request, extra, 'x-basalt-as'))
  }
}

function load(env, ctx, isolate) {
  const code = loaded.get(isolate)
  return env.LOADER.get(isolate, () => ({
    compatibilityDate: '${compatibilityDate}',
    mainModule: 'basalt-main.js',
    modules: code.modules,
    env: code.env,
    globalOutbound: ctx.exports.Egress({ props: { isolate } }),
  }))
}

export default {
  async fetch(request, env, ctx) {
    const path = new URL(request.url).pathname
    if (path === '/ping') return new Response('pong')
    if (path === '/load') {
      const { isolate, modules, env: variables } = await request.json()
      const wasm = ([name, code]) => [name, typeof code === 'string' ? code : { wasm: Uint8Array.fromBase64(code.wasm) }]
      loaded.set(isolate, { modules: Object.fromEntries(Object.entries(modules).map(wasm)), env: variables })
      return new Response(null, { status: 204 })
    }
    const isolate = request.headers.get('x-basalt-isolate')
    const invocation = request.headers.get('x-basalt-invocation')
    if (!loaded.has(isolate)) return new Response(null, { status: 409 })
    const headers = new Headers(request.headers)
    headers.delete('x-basalt-isolate')
    const props = { invocation, platform: ctx.exports.Platform({ props: { invocation } }) }
    const entrypoint = load(env, ctx, isolate).getEntrypoint(null, { props })
    try {
      return await entrypoint.fetch(new Request(request, { headers, cf: {}, redirect: 'manual' }))
    } catch (thrown) {
      // What the wrapper inside can't catch: code that doesn't compile, or waits for what can't come any more.
      const error = { name: 'Error', message: String(thrown?.message ?? thrown) }
      return new Response(JSON.stringify({ error }), { headers: { 'x-basalt-answer': 'error' } })
    }
  },
}
`

/** workerd's configuration. @param folder where its sockets are, as it sees it */
export function hostConfiguration(folder: string, heapMegabytes: number): string {
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "host", worker = .host),
    (name = "platform", external = (address = "unix:${folder}/platform.sock", http = ())),
    # By this name workerd would make one that reaches everything. Functions' requests go through the platform.
    (name = "internet", network = (allow = [])),
  ],
  sockets = [ (name = "in", address = "unix:${folder}/in.sock", http = (), service = "host") ],
  # Left to itself V8 lets garbage of short calls grow to 200 MB in each isolate before it looks for it.
  v8Flags = [ "--max-old-space-size=${heapMegabytes}", "--initial-old-space-size=8", "--max-semi-space-size=2" ],
);
const host :Workerd.Worker = (
  modules = [ (name = "host.js", esModule = embed "host.js") ],
  compatibilityDate = "${compatibilityDate}",
  bindings = [ (name = "LOADER", workerLoader = ()), (name = "PLATFORM", service = "platform") ],
);
`
}
