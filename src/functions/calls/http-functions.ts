import type { FastifyReply, FastifyRequest } from 'fastify'
import { Transform, type Readable } from 'node:stream'
import Type from 'typebox'
import { ApiError, forbidden, payloadTooLarge } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Actor } from '../../projects/actor.ts'
import { projectRequest } from '../../projects/access.ts'
import type { Version } from '../deployments/versions.ts'
import { functionFailed, functionNotFound } from '../errors.ts'
import type { Functions } from '../functions.ts'
import { forwardHeaders } from '../sandbox-door/forward-headers.ts'
import { userToken, whenGone } from './call-routes.ts'
import { chooseVersion, dispatch, type Dispatched } from './dispatch.ts'
import { asApiError, stackOf } from './invoke-function.ts'
import { type HttpRoutes, matchRoute, parseRoutes } from './match-route.ts'

const maxRequestBytes = 10 * 1024 * 1024
const maxResponseBytes = 64 * 1024 * 1024

// Operators are signed in by cookie on this very origin: none goes in, none comes out.
const droppedOfRequest = new Set([
  'cookie',
  'x-api-key',
  'forwarded',
  'x-forwarded-for',
  'x-real-ip',
  'expect',
])

// What would change the origin for others than this answer, or our promises about it.
const droppedOfAnswer = new Set([
  'accept-ch',
  'access-control-allow-credentials',
  'alt-svc',
  'clear-site-data',
  'content-security-policy',
  'nel',
  'origin-agent-cluster',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie',
  'set-login',
  'sourcemap',
  'strict-transport-security',
  'x-content-type-options',
  'x-request-id',
])

// A page of a function has an origin of its own: it can't act as the console, which has the same address.
const sandbox = 'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts'

/** `ANY /v1/projects/{ref}/http/…`: the requests that the project's HTTP functions answer. */
export async function registerHttpFunctions(app: HttpServer, functions: Functions): Promise<void> {
  const routes = new WeakMap<Version, HttpRoutes>()
  const routesOf = (version: Version): HttpRoutes => {
    const known = routes.get(version) ?? parseRoutes(version.entries.values())
    routes.set(version, known)
    return known
  }

  await app.register(async (scope) => {
    // Bodies of any kind go through as they come.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body))
    scope.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url: '/v1/projects/:ref/http/*',
      exposeHeadRoute: false,
      config: { access: { door: 'public' } },
      // One address for all that functions answer: the API's description has nothing to say of it.
      schema: {
        hide: true,
        params: Type.Object({ ref: Type.String({ maxLength: 64 }), '*': Type.String() }),
      },
      async handler(request, reply) {
        // A worker of this origin would stand before the console's own requests.
        if (request.headers['service-worker'] !== undefined)
          throw forbidden('Functions are no service workers.')
        const { project, actor } = projectRequest(request)
        const release = await functions.versions.of(project)
        const path = `/${(request.params as { '*': string })['*']}`
        if (release === null) throw functionNotFound(path)
        const version = chooseVersion(release)
        const entry = matchRoute(routesOf(version), request.method, path)
        if (entry === 'method') throw new ApiError('method_not_allowed', 'This path takes other methods.')
        if (entry === undefined) throw functionNotFound(path)
        const call = {
          kind: 'http',
          auth: { actor, token: userToken(request, actor) },
          signal: whenGone(reply),
        } as const
        const called = await dispatch(
          functions,
          project,
          { version, entry, secrets: release.secrets },
          call,
          {
            method: request.method,
            url: functions.services.config.publicUrl + request.url,
            headers: requestHeaders(request, actor),
            body: request.body instanceof Object ? limited(request.body as Readable, reply) : undefined,
          },
        )
        return answer(entry.name, called, reply)
      },
    })
  })
}

function requestHeaders({ headers, ip }: FastifyRequest, actor: Actor): Record<string, string | string[]> {
  const forwarded = forwardHeaders(headers, droppedOfRequest)
  // Credentials of ours are for us; those of others, as webhooks carry them, are for the function.
  const isOurs = actor.kind === 'user' || /^bearer +(sk_|op_|pk_)/i.test(headers.authorization ?? '')
  if (isOurs) delete forwarded['authorization']
  return { ...forwarded, 'x-forwarded-for': ip }
}

async function answer(name: string, called: Dispatched, reply: FastifyReply): Promise<FastifyReply> {
  const { answer: from, finish, explain } = called
  if (from.headers['x-basalt-answer'] !== 'function') throw await failure(name, called)
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(
        bytes > maxResponseBytes
          ? functionFailed(name, `the answer is larger than ${maxResponseBytes} bytes`)
          : null,
        chunk,
      )
    },
  })
  // The head is out: all that can be told is that it is not whole.
  from.on('error', (error) => counted.destroy(explain(error)))
  counted.on('error', (error) => {
    void finish({ message: error.message })
    from.destroy()
  })
  counted.on(
    'close',
    () => void finish(from.complete ? undefined : { message: 'the answer was not read to its end' }),
  )
  const own = from.headers['content-security-policy']
  return reply
    .code(from.statusCode ?? 200)
    .headers(forwardHeaders(from.headers, droppedOfAnswer))
    .header(
      'content-security-policy',
      own === undefined ? sandbox : [sandbox, ...(Array.isArray(own) ? own : [own])],
    )
    .send(from.pipe(counted))
}

async function failure(name: string, { answer: from, finish, explain }: Dispatched): Promise<Error> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of from) chunks.push(Buffer.from(chunk))
    const { error } = JSON.parse(Buffer.concat(chunks).toString())
    const told = asApiError(name, error)
    await finish(told.code === 'rejected' ? undefined : { message: told.message, stack: stackOf(told) })
    return told
  } catch (error) {
    const told =
      error instanceof SyntaxError ? functionFailed(name, 'it could not be loaded') : explain(error)
    await finish({ message: told.message })
    return told
  }
}

/** What is too large is not read to its end: the connection goes with the answer. */
function limited(body: Readable, reply: FastifyReply): Readable {
  let bytes = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes <= maxRequestBytes) return done(null, chunk)
      void reply.header('connection', 'close')
      reply.raw.on('finish', () => body.destroy())
      done(payloadTooLarge(`The body is larger than ${maxRequestBytes} bytes.`))
    },
  })
  body.on('error', (error) => counted.destroy(error))
  return body.pipe(counted)
}
