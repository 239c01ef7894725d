import { type Static, Type } from 'typebox'
import { callerOf } from '../../documents/caller.ts'
import { invalidValue, notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { newId } from '../../platform/ids.ts'
import { projectRequest } from '../../projects/access.ts'
import { recordAudit } from '../../projects/record-audit.ts'
import { dryRunQuery, noContentSchema } from '../../projects/schemas.ts'
import { isStorable } from '../../query/field-path.ts'
import type { Realtime } from '../realtime.ts'
import { patternSegments } from './channel-name.ts'
import { compileChannelRules } from './channel-rules.ts'
import { say } from './memberships.ts'

const tags = ['Realtime']
const reads = { access: { door: 'project', scope: 'settings:read' } } as const
const writes = { access: { door: 'project', scope: 'settings:write' } } as const
const ref = Type.String({ maxLength: 64 })
const Params = Type.Object({ ref })
const PatternParams = Type.Object({ ref, pattern: Type.String({ maxLength: 600 }) })
const maxPatterns = 100

const Rule = Type.Optional(Type.String({ maxLength: 4096, description: 'A CEL expression; absent means no' }))

const RulesBody = Type.Object(
  {
    rules: Type.Object({ join: Rule, broadcast: Rule, presence: Rule }, { additionalProperties: false }),
  },
  { additionalProperties: false },
)

const ChannelRules = Type.Object({
  pattern: Type.String(),
  rules: Type.Record(Type.String(), Type.String()),
  createdAt: Type.String(),
  updatedAt: Type.String(),
})

/** Who may use which channels, and what servers say there. */
export function registerChannels(app: HttpServer, { services, channels }: Realtime): void {
  const { control } = services

  app.route({
    method: 'GET',
    url: '/v1/projects/:ref/channels/rules',
    config: reads,
    schema: {
      operationId: 'listChannelRules',
      summary: 'The rules of channels, by pattern',
      tags,
      params: Params,
      response: { 200: Type.Object({ channelRules: Type.Array(ChannelRules) }) },
    },
    async handler(request) {
      const { project } = projectRequest(request)
      const rows = await control.channelRule.findMany({
        where: { projectId: project.id },
        orderBy: { pattern: 'asc' },
      })
      return { channelRules: rows.map(presentRules) }
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/projects/:ref/channels/rules/:pattern',
    config: reads,
    schema: {
      operationId: 'getChannelRules',
      summary: 'The rules of the channels that match a pattern',
      tags,
      params: PatternParams,
      response: { 200: ChannelRules },
    },
    async handler(request) {
      const { project } = projectRequest(request)
      const { pattern } = request.params
      requireStorable(pattern)
      const row = await control.channelRule.findUnique({
        where: { projectId_pattern: { projectId: project.id, pattern } },
      })
      if (row === null) throw notFound(`The pattern ${pattern}`)
      return presentRules(row)
    },
  })

  app.route({
    method: 'PUT',
    url: '/v1/projects/:ref/channels/rules/:pattern',
    config: { access: { ...writes.access, dryRunScope: 'settings:read' } },
    schema: {
      operationId: 'putChannelRules',
      summary:
        'Declare who may join, be seen in, and broadcast to the channels that match a pattern. With dryRun only check',
      tags,
      params: PatternParams,
      querystring: dryRunQuery,
      body: RulesBody,
      response: { 200: ChannelRules, 204: noContentSchema },
    },
    async handler(request, reply) {
      const { project, actor } = projectRequest(request)
      const { pattern } = request.params
      const { rules } = request.body
      compileChannelRules(readPattern(pattern), rules)
      if (request.query.dryRun === true) return reply.code(204).send(null)
      const where = { projectId_pattern: { projectId: project.id, pattern } }
      const row = await control.$transaction(async (tx) => {
        const others = await tx.channelRule.count({ where: { projectId: project.id, NOT: { pattern } } })
        if (others >= maxPatterns) {
          throw invalidValue('', `A project has at most ${maxPatterns} patterns of channels.`, 'too_many')
        }
        await recordAudit(tx, {
          actor,
          request,
          organizationId: project.organizationId,
          projectId: project.id,
          action: 'channel_rules.put',
          target: pattern,
        })
        return tx.channelRule.upsert({
          where,
          create: { id: newId(), projectId: project.id, pattern, rules },
          update: { rules },
        })
      })
      channels.rules.changed(project.id)
      return presentRules(row)
    },
  })

  app.route({
    method: 'DELETE',
    url: '/v1/projects/:ref/channels/rules/:pattern',
    config: writes,
    schema: {
      operationId: 'deleteChannelRules',
      summary: 'Close the channels that match a pattern',
      tags,
      params: PatternParams,
    },
    async handler(request, reply) {
      const { project, actor } = projectRequest(request)
      const { pattern } = request.params
      requireStorable(pattern)
      await control.$transaction(async (tx) => {
        const { count } = await tx.channelRule.deleteMany({ where: { projectId: project.id, pattern } })
        if (count === 0) throw notFound(`The pattern ${pattern}`)
        await recordAudit(tx, {
          actor,
          request,
          organizationId: project.organizationId,
          projectId: project.id,
          action: 'channel_rules.delete',
          target: pattern,
        })
      })
      channels.rules.changed(project.id)
      return reply.code(204).send()
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/projects/:ref/channels/:channel/broadcast',
    config: { access: { door: 'project', scope: 'channels:write', clients: true } },
    // What a socket may send at once.
    bodyLimit: services.config.limits.socketMessageBytes,
    schema: {
      operationId: 'broadcast',
      summary: 'Say something to everybody in a channel',
      tags,
      params: Type.Object({ ref, channel: Type.String({ maxLength: 600 }) }),
      body: Type.Object(
        { event: Type.String({ minLength: 1, maxLength: 128 }), payload: Type.Optional(Type.Unknown()) },
        { additionalProperties: false },
      ),
    },
    async handler(request, reply) {
      await say(channels, callerOf(request), { channel: request.params.channel, ...request.body })
      return reply.code(202).send()
    },
  })
}

function readPattern(pattern: string): readonly string[] {
  const segments = patternSegments(pattern)
  if (segments !== undefined) return segments
  throw invalidValue(
    'path.pattern',
    'is up to eight parts between colons, each * or letters, digits and _ . @ -',
    'invalid_name',
  )
}

/** What PostgreSQL can't hold is nowhere. */
function requireStorable(pattern: string): void {
  if (!isStorable(pattern)) throw notFound('The pattern')
}

function presentRules(row: {
  pattern: string
  rules: unknown
  createdAt: Date
  updatedAt: Date
}): Static<typeof ChannelRules> {
  return {
    pattern: row.pattern,
    rules: row.rules as Record<string, string>,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}
