import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { acceptNdjson, isNdjson } from '../../platform/accept-ndjson.ts'
import { invalidValue } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, idSchema, nextCursorSchema, noContentSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { deviceOf } from '../device.ts'
import { refParams, sessionSchema } from '../schemas.ts'
import { registerUserAccessRoutes } from './access-routes.ts'
import { changeManagedUser } from './change-managed-user.ts'
import { createManagedUser } from './create-managed-user.ts'
import { deleteManagedUser } from './delete-managed-user.ts'
import { exportUsers } from './export-users.ts'
import { impersonateUser } from './impersonate-user.ts'
import { importUsers } from './import-users.ts'
import { listUsers, maxCounted } from './list-users.ts'
import { presentManagedUser, readManagedUser } from './managed-user.ts'
import type { UserChange } from '../users/audit-user.ts'
import { managedUserSchema, newUserSchema, userListQuerySchema, userPatchSchema } from './schemas.ts'

const base = '/v1/projects/:ref/users'
const tags = ['Users']
const reads = { access: { door: 'project', scope: 'users:read' } } as const
const writes = { access: { door: 'project', scope: 'users:write' } } as const
const userParams = Type.Object({ ref: Type.String({ maxLength: 64 }), id: idSchema })

/** The project's users, for servers with a secret key and for operators. */
export function registerUserRoutes(app: HttpServer, auth: Auth): void {
  const { control } = auth.services

  app.get(
    base,
    {
      config: reads,
      schema: {
        operationId: 'listUsers',
        summary: 'Search users, the newest first',
        tags,
        params: refParams,
        querystring: userListQuerySchema,
        response: {
          200: Type.Object(
            {
              users: Type.Array(managedUserSchema),
              nextCursor: nextCursorSchema,
              count: Type.Optional(
                Type.Integer({ description: `With count=true; ${maxCounted} stands for that many or more.` }),
              ),
            },
            closed,
          ),
        },
      },
    },
    async (request) => listUsers(auth, projectRequest(request).project, request.query),
  )

  app.post(
    base,
    {
      config: writes,
      schema: {
        operationId: 'createUser',
        summary: 'Make a user',
        tags,
        params: refParams,
        body: newUserSchema,
        response: { 201: managedUserSchema },
      },
    },
    async (request, reply) => {
      const administration = administrationOf(request)
      const id = await createManagedUser(auth, administration, request.body)
      const user = await readManagedUser(control, administration.project, id)
      return reply.code(201).send(presentManagedUser(user))
    },
  )

  app.get(
    `${base}/:id`,
    {
      config: reads,
      schema: {
        operationId: 'getUser',
        summary: 'Read a user',
        tags,
        params: userParams,
        response: { 200: managedUserSchema },
      },
    },
    async (request) =>
      presentManagedUser(await readManagedUser(control, projectRequest(request).project, request.params.id)),
  )

  app.patch(
    `${base}/:id`,
    {
      config: writes,
      schema: {
        operationId: 'changeUser',
        summary: 'Change, suspend or reinstate a user',
        tags,
        params: userParams,
        body: userPatchSchema,
        response: { 200: managedUserSchema },
      },
    },
    async (request) => {
      const administration = administrationOf(request)
      const { id } = request.params
      await changeManagedUser(auth, administration, id, request.body)
      return presentManagedUser(await readManagedUser(control, administration.project, id))
    },
  )

  app.delete(
    `${base}/:id`,
    {
      config: writes,
      schema: {
        operationId: 'deleteUser',
        summary: 'Delete a user for good',
        tags,
        params: userParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await deleteManagedUser(auth, administrationOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    `${base}/:id/impersonate`,
    {
      config: { access: { ...writes.access, role: 'admin' } },
      schema: {
        operationId: 'impersonateUser',
        summary: 'Act as a user for an hour; tokens and audit log say so',
        tags,
        params: userParams,
        response: { 201: sessionSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const session = await impersonateUser(auth, administrationOf(request), id, deviceOf(request))
      return reply.code(201).send(session)
    },
  )

  registerUserAccessRoutes(app, auth)
  registerExport(app, auth)
  // In a scope of its own: on any other route a stream in the place of a body would be taken for an object.
  void app.register(async (scoped: HttpServer) => registerImport(scoped, auth))
}

function registerImport(app: HttpServer, auth: Auth): void {
  acceptNdjson(app)
  app.post(
    `${base}/import`,
    {
      config: writes,
      bodyLimit: Number.MAX_SAFE_INTEGER,
      schema: {
        operationId: 'importUsers',
        summary: 'Make users from NDJSON, with password hashes of other systems',
        consumes: ['application/x-ndjson'],
        tags,
        params: refParams,
        response: {
          200: Type.Object(
            {
              imported: Type.Integer(),
              failed: Type.Integer(),
              errors: Type.Array(
                Type.Object({ line: Type.Integer(), code: Type.String(), message: Type.String() }, closed),
              ),
            },
            closed,
          ),
        },
      },
    },
    async (request, reply) => {
      if (!isNdjson(request.body)) {
        throw invalidValue('', 'must be application/x-ndjson', 'wrong_type')
      }
      try {
        return await importUsers(auth, administrationOf(request), request.body)
      } catch (error) {
        // What comes after the failure is not read, so nothing else can come on this connection.
        void reply.header('connection', 'close')
        throw error
      }
    },
  )
}

function registerExport(app: HttpServer, auth: Auth): void {
  app.get(
    `${base}/export`,
    {
      config: reads,
      schema: {
        operationId: 'exportUsers',
        summary: 'All users as NDJSON, without password hashes',
        produces: ['application/x-ndjson'],
        tags,
        params: refParams,
      },
    },
    async (request, reply) => {
      const lines = Readable.from(exportUsers(auth, projectRequest(request).project))
      return reply
        .header('content-type', 'application/x-ndjson')
        .header('content-disposition', 'attachment; filename="users.ndjson"')
        .send(lines)
    },
  )
}

function administrationOf(request: FastifyRequest): UserChange {
  return { ...projectRequest(request), request }
}
