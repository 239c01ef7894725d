import Type from 'typebox'
import { notFound } from '../platform/errors.ts'
import type { HttpServer } from '../platform/http-server.ts'
import { projectRequest } from '../projects/access.ts'
import { closed, idSchema, noContentSchema } from '../projects/schemas.ts'
import type { Auth } from './auth.ts'
import {
  firstFactorDoor,
  optionalBody,
  refParams,
  sessionSchema,
  signInDoor,
  userRequest,
} from './schemas.ts'
import { endSessionsNow } from './sessions/end-sessions.ts'
import { deviceSchema, listSessions } from './sessions/list-sessions.ts'
import { refreshSession } from './sessions/refresh-session.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Sessions']

/** Keeping, listing and ending sessions, and the keys that verify their tokens. */
export function registerSessionRoutes(app: HttpServer, auth: Auth): void {
  const { control } = auth.services

  app.post(
    `${base}/token`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'refreshSession',
        summary: 'Exchange a refresh token for new tokens',
        tags,
        params: refParams,
        body: Type.Object({ refreshToken: Type.String({ maxLength: 300 }) }, closed),
        response: { 200: sessionSchema },
      },
    },
    async (request) => refreshSession(auth, projectRequest(request).project, request.body.refreshToken),
  )

  app.post(
    `${base}/sign-out`,
    {
      config: firstFactorDoor,
      schema: {
        operationId: 'signOut',
        summary: 'End this session, all others, or all',
        tags,
        params: refParams,
        body: optionalBody(
          Type.Object(
            {
              scope: Type.Union([Type.Literal('this'), Type.Literal('others'), Type.Literal('all')], {
                default: 'this',
              }),
            },
            closed,
          ),
        ),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { uid, sessionId } = userRequest(request).user
      const choices = { this: { only: sessionId }, others: { except: sessionId }, all: 'all' } as const
      await endSessionsNow(auth, uid, choices[request.body?.scope ?? 'this'])
      return reply.code(204).send(null)
    },
  )

  app.get(
    `${base}/sessions`,
    {
      config: signInDoor,
      schema: {
        operationId: 'listSessions',
        summary: 'The devices that are signed in as you',
        tags,
        params: refParams,
        response: { 200: Type.Object({ sessions: Type.Array(deviceSchema) }, closed) },
      },
    },
    async (request) => {
      const { uid, sessionId } = userRequest(request).user
      const devices = await listSessions(control, uid, sessionId)
      const sessions = devices.map(({ impersonator: _operator, ...device }) => device)
      return { sessions }
    },
  )

  app.delete(
    `${base}/sessions/:id`,
    {
      config: signInDoor,
      schema: {
        operationId: 'endSession',
        summary: 'Sign a device out',
        tags,
        params: Type.Object({ ref: Type.String(), id: idSchema }),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { uid } = userRequest(request).user
      const ended = await endSessionsNow(auth, uid, { only: request.params.id })
      if (ended === 0) throw notFound('The session')
      return reply.code(204).send(null)
    },
  )

  app.get(
    `${base}/.well-known/jwks.json`,
    {
      config: { access: { door: 'open' } },
      schema: {
        operationId: 'getJwks',
        summary: 'The public keys of access tokens (RFC 7517)',
        tags,
        params: refParams,
      },
    },
    async (request, reply) => {
      const project = await auth.projects.byRef(request.params.ref)
      if (project === null) throw notFound('The project')
      const { keys } = await auth.keys.of(project)
      void reply.header('cache-control', 'public, max-age=300')
      return { keys: keys.map(({ publicJwk }) => publicJwk) }
    },
  )
}
