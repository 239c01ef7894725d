import { Type } from 'typebox'
import type { HttpServer } from '../platform/http-server.ts'
import type { Services } from '../platform/services.ts'
import { projectRequest } from '../projects/access.ts'
import { projectSchema } from '../projects/project.ts'
import { readChanges } from './read-changes.ts'

/** The change log, for servers that follow a project. */
export function registerChanges(app: HttpServer, { db }: Services): void {
  app.route({
    method: 'GET',
    url: '/v1/projects/:ref/changes',
    config: { access: { door: 'project', scope: 'documents:read' } },
    schema: {
      operationId: 'readChanges',
      summary: 'Every committed write after a number, in commit order',
      tags: ['Changes'],
      params: Type.Object({ ref: Type.String({ maxLength: 64 }) }),
      querystring: Type.Object(
        {
          after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
        },
        { additionalProperties: false },
      ),
    },
    async handler(request) {
      const { project } = projectRequest(request)
      return readChanges(db, projectSchema(project), request.query.after ?? 0, request.query.limit ?? 100)
    },
  })
}
