import Type from 'typebox'
import { notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, idSchema, noContentSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { endSessions, type SessionChoice } from '../sessions/end-sessions.ts'
import { listSessions, managedDeviceSchema } from '../sessions/list-sessions.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { listManagedFactors, managedFactorsSchema, removeManagedFactors } from './managed-factors.ts'
import { readManagedUser } from './managed-user.ts'
import { unlinkManagedIdentity } from './unlink-managed-identity.ts'

const base = '/v1/projects/:ref/users/:id'
const tags = ['Users']
const reads = { access: { door: 'project', scope: 'users:read' } } as const
const writes = { access: { door: 'project', scope: 'users:write' } } as const
const ref = Type.String({ maxLength: 64 })
const userParams = Type.Object({ ref, id: idSchema })

/** Where a user is signed in, and by what else than the password: for servers and operators. */
export function registerUserAccessRoutes(app: HttpServer, auth: Auth): void {
  const { control } = auth.services

  app.get(
    `${base}/sessions`,
    {
      config: reads,
      schema: {
        operationId: 'listUserSessions',
        summary: 'The devices on which a user is signed in',
        tags,
        params: userParams,
        response: { 200: Type.Object({ sessions: Type.Array(managedDeviceSchema) }, closed) },
      },
    },
    async (request) => {
      const { id } = request.params
      await readManagedUser(control, projectRequest(request).project, id)
      return { sessions: await listSessions(control, id, null) }
    },
  )

  app.delete(
    `${base}/sessions`,
    {
      config: writes,
      schema: {
        operationId: 'endUserSessions',
        summary: 'Sign a user out everywhere',
        tags,
        params: userParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await endManagedSessions(auth, { ...projectRequest(request), request }, request.params.id, 'all')
      return reply.code(204).send(null)
    },
  )

  app.delete(
    `${base}/sessions/:sessionId`,
    {
      config: writes,
      schema: {
        operationId: 'endUserSession',
        summary: 'Sign a user out on one device',
        tags,
        params: Type.Object({ ref, id: idSchema, sessionId: idSchema }),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { id, sessionId } = request.params
      const change = { ...projectRequest(request), request }
      await endManagedSessions(auth, change, id, { only: sessionId })
      return reply.code(204).send(null)
    },
  )

  app.get(
    `${base}/factors`,
    {
      config: reads,
      schema: {
        operationId: 'listUserFactors',
        summary: 'A user’s authenticator apps, passkeys and number of recovery codes',
        tags,
        params: userParams,
        response: { 200: managedFactorsSchema },
      },
    },
    async (request) => listManagedFactors(control, projectRequest(request).project, request.params.id),
  )

  app.delete(
    `${base}/factors/:factorId`,
    {
      config: writes,
      schema: {
        operationId: 'removeUserFactor',
        summary: 'Take an authenticator app or a passkey from a user, whose sessions end',
        tags,
        params: Type.Object({ ref, id: idSchema, factorId: idSchema }),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { id, factorId } = request.params
      await removeManagedFactors(auth, { ...projectRequest(request), request }, id, { only: factorId })
      return reply.code(204).send(null)
    },
  )

  app.delete(
    `${base}/factors`,
    {
      config: writes,
      schema: {
        operationId: 'removeUserFactors',
        summary: 'Take all apps, passkeys and recovery codes from a user, whose sessions end',
        tags,
        params: userParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await removeManagedFactors(auth, { ...projectRequest(request), request }, request.params.id, 'all')
      return reply.code(204).send(null)
    },
  )

  app.delete(
    `${base}/identities/:identityId`,
    {
      config: writes,
      schema: {
        operationId: 'unlinkUserIdentity',
        summary: 'Take an account at a provider from a user, whose sessions end',
        tags,
        params: Type.Object({ ref, id: idSchema, identityId: idSchema }),
        querystring: Type.Object(
          { force: Type.Boolean({ default: false, description: 'Also if it is the last way in.' }) },
          closed,
        ),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { id, identityId } = request.params
      const change = { ...projectRequest(request), request }
      await unlinkManagedIdentity(auth, change, id, identityId, request.query.force)
      return reply.code(204).send(null)
    },
  )
}

async function endManagedSessions(
  auth: Auth,
  change: UserChange,
  id: string,
  choice: SessionChoice,
): Promise<void> {
  await auth.services.control.$transaction(async (tx) => {
    await readManagedUser(tx, change.project, id)
    const ended = await endSessions(tx, id, choice)
    if (ended === 0 && choice !== 'all') throw notFound('The session')
    await auditUser(tx, change, 'user.end_sessions', id)
  })
  auth.sessions.userChanged(id)
}
