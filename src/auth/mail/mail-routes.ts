import Type from 'typebox'
import { invalidRequest } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import type { Actor } from '../../projects/actor.ts'
import { hasRole } from '../../projects/roles.ts'
import { closed, nextCursorSchema, pageQuerySchema, timeSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { refParams } from '../schemas.ts'
import { MailTemplate } from '../settings/auth-settings.ts'
import { defaultLanguage, placeholders } from './default-templates.ts'
import { chooseTemplate, renderMail, templateIssues } from './render-mail.ts'

const base = '/v1/projects/:ref/auth/mails'
const tags = ['Auth settings']
const nullableText = Type.Union([Type.String(), Type.Null()])

const mailSchema = Type.Object(
  {
    id: Type.String(),
    recipient: Type.String(),
    template: Type.String(),
    subject: nullableText,
    text: nullableText,
    html: nullableText,
    createdAt: timeSchema,
    sentAt: Type.Union([timeSchema, Type.Null()]),
    error: nullableText,
  },
  closed,
)

const templateNames = Object.keys(placeholders).map((name) => Type.Literal(name as keyof typeof placeholders))

/** The outbox, and how mails will look. */
export function registerMailRoutes(app: HttpServer, auth: Auth): void {
  app.get(
    base,
    {
      config: { access: { door: 'project', scope: 'users:read' } },
      schema: {
        operationId: 'listMails',
        summary:
          'The mails of the last week; what waits in the outbox is shown to those who may change users',
        tags,
        params: refParams,
        querystring: pageQuerySchema,
        response: {
          200: Type.Object({ mails: Type.Array(mailSchema), nextCursor: nextCursorSchema }, closed),
        },
      },
    },
    async (request) => {
      const { project, actor } = projectRequest(request)
      const { limit, after } = request.query
      const rows = await auth.services.control.mail.findMany({
        where: { projectId: project.id, ...(after !== undefined && { id: { lt: after } }) },
        orderBy: { id: 'desc' },
        take: limit + 1,
      })
      const shown = rows.slice(0, limit)
      const mayRead = mayReadCodes(actor)
      const mails = shown.map((row) => {
        const isReadable = mayRead && row.sentAt === null
        const { id, recipient, template, error } = row
        return {
          id,
          recipient,
          template,
          subject: isReadable ? row.subject : null,
          text: isReadable ? row.text : null,
          html: isReadable ? row.html : null,
          createdAt: row.createdAt.toISOString(),
          sentAt: row.sentAt?.toISOString() ?? null,
          error,
        }
      })
      return { mails, nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null }
    },
  )

  app.post(
    `${base}/preview`,
    {
      config: { access: { door: 'project', scope: 'settings:read' } },
      schema: {
        operationId: 'previewMail',
        summary: 'How a template looks with made-up values; nothing is sent',
        tags,
        params: refParams,
        body: Type.Object(
          {
            template: Type.Union(templateNames),
            language: Type.String({ pattern: '^[a-z]{2}(-[A-Z]{2})?$', default: defaultLanguage }),
            content: Type.Optional(MailTemplate),
          },
          closed,
        ),
        response: {
          200: Type.Object({ subject: Type.String(), text: Type.String(), html: Type.String() }, closed),
        },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      const { template, language, content } = request.body
      const issues = content === undefined ? [] : templateIssues(template, content, 'content')
      if (issues.length > 0) throw invalidRequest(issues)
      const { settings } = await auth.settings.of(project)
      const chosen = content ?? chooseTemplate(settings.templates, template, [language])
      return renderMail(chosen, {
        app: project.name,
        email: 'ada@example.com',
        newEmail: 'lovelace@example.com',
        code: '123456',
        link: 'https://app.example.com/?token=example',
        minutes: '10',
        authenticator: 'Phone',
        passkey: 'Laptop',
        provider: 'google',
        recoveryCodes: '10',
      })
    },
  )
}

/** A code opens the account that it was sent for, so reading one is no reading. */
function mayReadCodes(actor: Actor): boolean {
  switch (actor.kind) {
    case 'key':
    case 'function':
      return actor.scopes.includes('*') || actor.scopes.includes('users:write')
    case 'operator':
      return actor.role !== null && hasRole(actor.role, 'developer')
    case 'anonymous':
    case 'user':
      return false
  }
}
