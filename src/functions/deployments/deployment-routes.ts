import Type, { type Static } from 'typebox'
import { invalidValue, notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, dryRunQuery, idSchema, timeSchema } from '../../projects/schemas.ts'
import type { Functions } from '../functions.ts'
import { base, reads, refParams, tags, writes } from '../schemas.ts'
import { activateDeployment } from './activate-deployment.ts'
import { deployFunctions, prepareFunctions, type Prepared } from './deploy-functions.ts'
import type { FunctionEntry } from './function-entry.ts'
import { listDeployments } from './list-deployments.ts'
import type { UploadedFiles } from './resolve-upload.ts'
import { readSources } from './sources.ts'

const share = Type.Number({ minimum: 0, maximum: 1, default: 1 })

const deploymentSchema = Type.Object(
  {
    /** By path: text, or any bytes in base64. */
    files: Type.Record(
      Type.String(),
      Type.Union([
        Type.String(),
        Type.Object({ base64: Type.String({ pattern: '^[A-Za-z0-9+/]*={0,2}$' }) }, closed),
      ]),
      { maxProperties: 5_000 },
    ),
    manifest: Type.Optional(
      Type.Object(
        {
          /** Which file each function is. */
          entries: Type.Optional(Type.Record(Type.String(), Type.String())),
          /** By file, what its imports mean. */
          resolutions: Type.Optional(
            Type.Record(Type.String(), Type.Record(Type.String(), Type.String()), { maxProperties: 5_000 }),
          ),
        },
        { additionalProperties: true },
      ),
    ),
    message: Type.Optional(Type.String({ maxLength: 500, pattern: '^[^\\p{Cc}\\p{Cs}]*$' })),
    share: Type.Optional(share),
  },
  closed,
)

const functionSchema = Type.Object(
  { name: Type.String(), kind: Type.String() },
  { additionalProperties: true },
)

const preparedSchema = Type.Object({
  hash: Type.String(),
  functions: Type.Array(functionSchema),
  warnings: Type.Array(
    Type.Object({ path: Type.String(), code: Type.String(), message: Type.String() }, closed),
  ),
})
const presentedSchema = Type.Object({
  id: Type.String(),
  createdAt: timeSchema,
  ...preparedSchema.properties,
})
const deploymentParams = Type.Object({ ref: Type.String({ maxLength: 64 }), id: idSchema })

export function registerDeploymentRoutes(app: HttpServer, functions: Functions): void {
  app.post(
    `${base}/deployments`,
    {
      config: writes,
      bodyLimit: functions.services.config.limits.deploymentBytes,
      schema: {
        operationId: 'deployFunctions',
        summary:
          'Deploy a new version of the functions; share says how many of the calls it gets. With dryRun only try it out',
        tags,
        params: refParams,
        querystring: dryRunQuery,
        body: deploymentSchema,
        response: { 200: preparedSchema, 201: presentedSchema },
      },
    },
    async (request, reply) => {
      const { project, actor } = projectRequest(request)
      const { files, manifest, message = '', share: wanted = 1 } = request.body
      const { entries: named, resolutions } = manifest ?? {}
      const upload = { files: readFiles(files), entries: named, resolutions, message, share: wanted }
      if (request.query.dryRun === true) {
        return reply.send(presentPrepared(await prepareFunctions(functions, project, upload)))
      }
      const made = await deployFunctions(functions, { project, actor, request }, upload)
      const { id, createdAt } = made
      return reply.code(201).send({ id, createdAt: createdAt.toISOString(), ...presentPrepared(made) })
    },
  )

  app.get(
    `${base}/deployments`,
    {
      config: reads,
      schema: {
        operationId: 'listDeployments',
        summary: 'List the versions that are kept',
        tags,
        params: refParams,
      },
    },
    async (request) => ({
      deployments: await listDeployments(functions.services.control, projectRequest(request).project),
    }),
  )

  app.post(
    `${base}/deployments/:id/activate`,
    {
      config: writes,
      schema: {
        operationId: 'activateDeployment',
        summary: 'Switch over to a version, or give it a share of the calls; to go back is the same call',
        tags,
        params: deploymentParams,
        body: Type.Optional(Type.Object({ share: Type.Optional(share) }, closed)),
      },
    },
    async (request) => {
      const { project, actor } = projectRequest(request)
      const change = { project, actor, request, id: request.params.id, share: request.body?.share ?? 1 }
      if (!(await activateDeployment(functions, change))) throw notFound('The deployment')
      return { id: change.id, share: change.share }
    },
  )

  app.get(
    `${base}/deployments/:id/sources`,
    {
      config: reads,
      schema: {
        operationId: 'readDeploymentSources',
        summary: 'Read what was uploaded for a version, as it can be deployed again',
        tags,
        params: deploymentParams,
      },
    },
    async (request, reply) => {
      const sources = await readSources(functions, projectRequest(request).project, request.params.id)
      return reply.type('application/json').send(sources)
    },
  )

  app.get(
    base,
    {
      config: reads,
      schema: {
        operationId: 'listFunctions',
        summary: 'List the functions of the active version',
        tags,
        params: refParams,
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const release = await functions.versions.of(project)
      const pausedUntil = (name: string): string | null => {
        const milliseconds = functions.runtimes.quarantinedFor(project.id, name)
        return milliseconds === 0 ? null : new Date(Date.now() + milliseconds).toISOString()
      }
      return {
        deploymentId: release?.active.id ?? null,
        next: release?.next ? { deploymentId: release.next.version.id, share: release.next.share } : null,
        functions: [...(release?.active.entries.values() ?? [])].map((entry) => ({
          ...presentFunction(entry),
          pausedUntil: pausedUntil(entry.name),
        })),
      }
    },
  )
}

function presentPrepared({ hash, entries, warnings }: Prepared) {
  return { hash, functions: entries.map(presentFunction), warnings }
}

function presentFunction({ name, kind, file, settings, hash }: FunctionEntry): {
  name: string
  kind: string
} {
  return {
    name,
    kind,
    file,
    hash: hash ?? null,
    ...settings,
    ...(kind === 'callable' && { access: settings.access ?? 'user' }),
  } as {
    name: string
    kind: string
  }
}

/** Paths are names here, and touch no disk; one form of each, so that imports find them. */
function readFiles(files: Static<typeof deploymentSchema>['files']): UploadedFiles {
  const read = new Map<string, string | Uint8Array>()
  for (const [path, content] of Object.entries(files)) {
    const isPlain = path.length <= 500 && !/^\/|\\|\0|(^|\/)\.{0,2}(\/|$)/.test(path)
    if (!isPlain) throw invalidValue(`files.${path.slice(0, 100)}`, 'is not a relative path', 'invalid_path')
    read.set(path, typeof content === 'string' ? content : Buffer.from(content.base64, 'base64'))
  }
  return read
}
