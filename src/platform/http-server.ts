import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import underPressure from '@fastify/under-pressure'
import { Ajv } from 'ajv'
import { default as addFormats } from 'ajv-formats'
import fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawServerDefault,
} from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Config } from '../config.ts'
import { invalidValue, unavailable } from './errors.ts'
import { newId } from './ids.ts'
import { isDeeperThan } from './json-depth.ts'
import type { Logger } from './logging.ts'
import type { Metrics } from './metrics.ts'
import { findPrototypeName } from './prototype-names.ts'
import { answerClientError, answerError, answerUnknownRoute } from './problems.ts'

/** The server as features see it: TypeBox schemas give the types of their requests. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

const headersTimeoutMs = 15_000
const slowConnectionsCheckedEveryMs = 5_000
// Uploads of many megabytes over slow lines are legitimate; a trickle without an end is not.
const requestTimeoutMs = 300_000

/** Fastify with what every route shares: ids, errors, limits, headers, metrics. */
export async function createHttpServer(config: Config, log: Logger, metrics: Metrics): Promise<HttpServer> {
  const app = fastify({
    loggerInstance: log as FastifyBaseLogger,
    // One line for each request would cost more than many requests do; see `logRequest`.
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request would cost as much as finding its route: lines name their request themselves.
    childLoggerFactory: (logger) => logger,
    genReqId: () => newId(),
    requestIdHeader: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    bodyLimit: config.limits.bodyBytes,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: slowConnectionsCheckedEveryMs },
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: false },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // Faults that Fastify finds before hooks run.
    frameworkErrors(error, request, reply) {
      setCommonHeaders(config, request, reply)
      answerError(error, request, reply)
    },
    clientErrorHandler: answerClientError,
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? strictAjv : coercingAjv).compile(schema as object),
  )
  app.setErrorHandler(answerError)
  app.setNotFoundHandler(answerUnknownRoute)
  acceptEmptyJson(app)
  addCommonHeaders(app, config)
  addRequestMetrics(app, metrics, log)
  await shedLoad(app, config.limits.eventLoopDelayMs)
  return app as HttpServer
}

// A body says its types in JSON: "5" is not 5. Query strings and path parameters know text only.
const options = { allErrors: true, useDefaults: true, strict: false } as const
const strictAjv = addFormats.default(new Ajv({ ...options, coerceTypes: false }))
const coercingAjv = addFormats.default(new Ajv({ ...options, coerceTypes: true }))

// Documents have a limit of their own; a JSON Schema needs three levels for each of theirs.
const maxBodyDepth = 200

/** DELETE and action calls come with `content-type: application/json` and nothing in the body from many clients. */
function acceptEmptyJson(app: FastifyInstance): void {
  // Fastify's own: nothing here takes text.
  app.removeContentTypeParser('text/plain')
  const parse = app.getDefaultJsonParser('ignore', 'ignore')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    if (text.length === 0) done(null, undefined)
    else if (isDeeperThan(text, maxBodyDepth))
      done(invalidValue('', `is nested deeper than ${maxBodyDepth} levels`, 'too_deep'))
    else
      void parse(request, text, (error, value) => {
        const name = error === null ? findPrototypeName(text, value) : undefined
        if (name === undefined) done(error, value)
        else done(invalidValue(name, 'is a reserved name', 'reserved'))
      })
  })
}

function addCommonHeaders(app: FastifyInstance, config: Config): void {
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(config, request, reply)
    done()
  })
}

function setCommonHeaders({ publicUrl }: Config, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id)
  reply.header('x-content-type-options', 'nosniff')
  reply.header('cache-control', 'no-store')
  if (publicUrl.startsWith('https:')) {
    reply.header('strict-transport-security', 'max-age=63072000; includeSubDomains')
  }
}

function addRequestMetrics(app: FastifyInstance, metrics: Metrics, log: Logger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request
    metrics.observeRequest(method, routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000)
    logRequest(log, request, reply.statusCode, reply.elapsedTime)
    done()
  })
}

/** Failures and slow answers at `info`, the rest at `debug`. Queries hold data and keys: the path alone is written. */
function logRequest(log: Logger, request: FastifyRequest, status: number, milliseconds: number): void {
  const level = status >= 400 || milliseconds > 1000 ? 'info' : 'debug'
  if (!log.isLevelEnabled(level)) return
  const query = request.url.indexOf('?')
  const path = query === -1 ? request.url : request.url.slice(0, query)
  const ms = Math.round(milliseconds)
  log[level]({ requestId: request.id, method: request.method, path, status, ms }, 'request')
}

/**
 * When the event loop is so late on average, a node answers 503 at once rather than everything late.
 */
async function shedLoad(app: FastifyInstance, maxEventLoopDelay: number): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay,
    // An interval in which nothing could be measured counts as late, so none may be shorter than what is allowed.
    sampleInterval: maxEventLoopDelay,
    retryAfter: 2,
    pressureHandler: (_request, reply) => {
      void reply.header('retry-after', '2')
      throw unavailable('The server has more to do than it can; try again in a moment.', 2)
    },
  })
}
