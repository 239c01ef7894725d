import Type from 'typebox'
import { invalidRequest, notFound } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { closed, emailSchema, idSchema, nextCursorSchema, pageQuerySchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { refParams } from '../schemas.ts'
import { MailTemplate } from '../settings/auth-settings.ts'
import { defaultLanguage, defaultTemplates, placeholders, type TemplateName } from './default-templates.ts'
import { mailSchema, presentMail } from './present-mail.ts'
import { chooseTemplate, renderMail, templateIssues } from './render-mail.ts'
import { retryMail } from './retry-mail.ts'
import { sendTestMail } from './send-test-mail.ts'
import { hasSmtp } from './smtp.ts'

const base = '/v1/projects/:ref/auth/mails'
const tags = ['Auth settings']
const mailParams = Type.Object({ ref: Type.String({ maxLength: 64 }), id: idSchema })

const templateNames = Object.keys(placeholders) as TemplateName[]

const templateSchema = Type.Object(
  {
    name: Type.String(),
    placeholders: Type.Array(Type.String()),
    languages: Type.Record(Type.String(), MailTemplate),
  },
  closed,
)

const builtIn = templateNames.map((name) => ({
  name,
  placeholders: [...placeholders[name]],
  languages: Object.fromEntries(
    Object.entries(defaultTemplates).map(([language, templates]) => [language, templates[name]]),
  ),
}))

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
          200: Type.Object(
            {
              mails: Type.Array(mailSchema),
              nextCursor: nextCursorSchema,
              hasServer: Type.Boolean({ description: 'Whether mails leave at all.' }),
            },
            closed,
          ),
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
      return {
        mails: shown.map((row) => presentMail(row, actor)),
        nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
        hasServer: hasSmtp(auth.services.config, await auth.settings.of(project)),
      }
    },
  )

  app.get(
    `${base}/:id`,
    {
      config: { access: { door: 'project', scope: 'users:read' } },
      schema: {
        operationId: 'getMail',
        summary: 'One mail of the last week, as the list shows it',
        tags,
        params: mailParams,
        response: { 200: mailSchema },
      },
    },
    async (request) => {
      const { project, actor } = projectRequest(request)
      const where = { id: request.params.id, projectId: project.id }
      const row = await auth.services.control.mail.findUnique({ where })
      if (row === null) throw notFound('The mail')
      return presentMail(row, actor)
    },
  )

  app.post(
    `${base}/:id/retry`,
    {
      config: { access: { door: 'project', scope: 'users:write' } },
      schema: {
        operationId: 'retryMail',
        summary: 'Send now what failed, or was kept without a server',
        tags,
        params: mailParams,
        response: { 202: mailSchema },
      },
    },
    async (request, reply) => {
      const { project, actor } = projectRequest(request)
      const mail = await retryMail(auth, project, request.params.id)
      return reply.code(202).send(presentMail(mail, actor))
    },
  )

  app.post(
    `${base}/test`,
    {
      config: { access: { door: 'project', scope: 'settings:write' } },
      schema: {
        operationId: 'sendTestMail',
        summary: 'Try the mail server; answers with what it says',
        tags,
        params: refParams,
        body: Type.Object({ to: emailSchema }, closed),
        response: {
          200: Type.Object(
            { error: Type.Union([Type.String(), Type.Null()], { description: 'Null: the server took it.' }) },
            closed,
          ),
        },
      },
    },
    async (request) => {
      const { project } = projectRequest(request)
      return { error: await sendTestMail(auth, project, request.body.to) }
    },
  )

  app.get(
    `${base}/templates`,
    {
      config: { access: { door: 'project', scope: 'settings:read' } },
      schema: {
        operationId: 'listMailTemplates',
        summary:
          'The templates that come along, and what each may name; those of the project are in its settings',
        tags,
        params: refParams,
        response: { 200: Type.Object({ templates: Type.Array(templateSchema) }, closed) },
      },
    },
    () => ({ templates: builtIn }),
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
            template: Type.Enum(templateNames),
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
