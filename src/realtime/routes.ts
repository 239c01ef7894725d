import type { Socket } from 'node:net'
import websocket from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ApiError, forbidden, unavailable } from '../platform/errors.ts'
import type { HttpServer } from '../platform/http-server.ts'
import { addressGroup } from '../projects/address-group.ts'
import { readApiKey, readBearer, readSessionCookie } from '../projects/read-credentials.ts'
import { registerChannels } from './channels/routes.ts'
import type { Realtime } from './realtime.ts'
import { RealtimeSocket } from './realtime-socket.ts'
import type { Opening } from './socket-identity.ts'

/** Register it last: what comes after would be wrapped for upgrades too. */
export async function registerRealtime(app: HttpServer, realtime: Realtime): Promise<void> {
  const { limits, publicUrl } = realtime.services.config
  let isClosing = false
  await app.register(websocket, {
    // Deflating costs some 100 KB for each socket.
    options: { maxPayload: limits.socketMessageBytes, perMessageDeflate: false, clientTracking: false },
    preClose(done) {
      isClosing = true
      // Clients come back at once. Fastify refuses them from here on without running hooks.
      app.server.on('upgrade', (_request, socket) => (socket as Socket).destroySoon())
      void realtime.close().finally(done)
    },
    errorHandler: (_error, socket) => socket.terminate(),
  })

  // The connection of an upgrade that was refused is no longer the HTTP server's, so nobody else would close it.
  app.addHook('onResponse', (request, _reply, done) => {
    if (request.raw.headers.upgrade !== undefined) request.raw.socket.destroySoon()
    done()
  })
  registerChannels(app, realtime)

  app.route({
    method: 'GET',
    url: '/v1/projects/:ref/realtime',
    config: { access: { door: 'socket' } },
    schema: {
      // OpenAPI describes no sockets; docs/realtime.md does.
      hide: true,
      params: Type.Object({ ref: Type.String({ maxLength: 64 }) }),
      querystring: Type.Object({ key: Type.Optional(Type.String()) }, { additionalProperties: false }),
    },
    preValidation(request, _reply, done) {
      done(refusal(realtime, request))
    },
    handler: (_request, reply) => reply.header('upgrade', 'websocket').code(426).send(),
    wsHandler(socket, request) {
      // It was let in before, and nobody would close it.
      if (isClosing) return socket.terminate()
      const { project, actor } = request.identity
      if (project === null) throw new Error('the route has no project door')
      const opening = {
        project,
        ...shownBy(request, publicUrl),
        ip: request.ip,
        requestId: request.id,
      }
      realtime.sockets.add(new RealtimeSocket(realtime, socket, opening, actor))
    },
  })
}

/** Why a socket may not be opened, although who asks is known. */
function refusal(
  { services, sockets }: Realtime,
  { headers, identity, ip }: FastifyRequest,
): Error | undefined {
  const { limits, rateLimits } = services.config
  const origins = identity.project?.settings.cors.origins ?? []
  // Browsers let a page of any origin open a socket: the server has to look.
  if (headers.origin !== undefined && !origins.includes('*') && !origins.includes(headers.origin)) {
    return forbidden('Pages of this origin may not use the project.')
  }
  if (sockets.size >= limits.sockets) return unavailable('This node has as many sockets as it can hold.', 5)
  const group = addressGroup(ip)
  if (rateLimits && sockets.countOf(group) >= limits.socketsByAddress) {
    return new ApiError('rate_limited', 'Too many sockets of this address.', { retryAfterSeconds: 5 })
  }
  return undefined
}

/** The door has seen that they are valid. */
function shownBy(
  request: Parameters<typeof readApiKey>[0],
  publicUrl: string,
): Pick<Opening, 'key' | 'token'> {
  const key = readApiKey(request) ?? null
  const bearer = readBearer(request.headers)
  const cookie = key === null && bearer === undefined ? readSessionCookie(request, publicUrl) : undefined
  return { key, token: bearer ?? cookie ?? null }
}
