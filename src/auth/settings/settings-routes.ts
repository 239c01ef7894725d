import Type from 'typebox'
import type { HttpServer } from '../../platform/http-server.ts'
import { projectRequest } from '../../projects/access.ts'
import { recordAudit } from '../../projects/record-audit.ts'
import { closed, dryRunQuery, noContentSchema } from '../../projects/schemas.ts'
import type { Auth } from '../auth.ts'
import { refParams } from '../schemas.ts'
import { AuthSecretsPatch, AuthSettings, AuthSettingsPatch } from './auth-settings.ts'
import { changeAuthSettings } from './change-settings.ts'
import type { LoadedAuthSettings } from './settings-store.ts'

const base = '/v1/projects/:ref/auth'
const tags = ['Auth settings']

const isSetSchema = Type.Object({ isSet: Type.Boolean() }, closed)

/** Of secrets only whether they are there. */
const shownSettingsSchema = Type.Object(
  {
    settings: AuthSettings,
    secrets: Type.Object(
      {
        providers: Type.Record(Type.String(), isSetSchema),
        smtpPassword: isSetSchema,
        smsToken: isSetSchema,
        captchaSecret: isSetSchema,
      },
      closed,
    ),
  },
  closed,
)

/** How a project's users sign in, for its servers and operators. */
export function registerAuthSettingsRoutes(app: HttpServer, auth: Auth): void {
  app.get(
    `${base}/settings`,
    {
      config: { access: { door: 'project', scope: 'settings:read' } },
      schema: {
        operationId: 'getAuthSettings',
        summary: 'How users sign in',
        tags,
        params: refParams,
        response: { 200: shownSettingsSchema },
      },
    },
    async (request) => present(await auth.settings.of(projectRequest(request).project)),
  )

  app.patch(
    `${base}/settings`,
    {
      config: { access: { door: 'project', scope: 'settings:write', dryRunScope: 'settings:read' } },
      schema: {
        operationId: 'changeAuthSettings',
        summary:
          'Replace groups of settings; null brings the default back. Secrets never come back. With dryRun only check',
        tags,
        params: refParams,
        querystring: dryRunQuery,
        body: Type.Object(
          { settings: Type.Optional(AuthSettingsPatch), secrets: Type.Optional(AuthSecretsPatch) },
          closed,
        ),
        response: { 200: shownSettingsSchema },
      },
    },
    async (request) => {
      const options = { dryRun: request.query.dryRun === true, request }
      return present(await changeAuthSettings(auth, projectRequest(request), request.body, options))
    },
  )

  app.post(
    `${base}/keys/rotate`,
    {
      config: { access: { door: 'project', scope: 'settings:write' } },
      schema: {
        operationId: 'rotateSigningKey',
        summary: 'Sign tokens with a new key; those of the old one stay valid until they end',
        tags,
        params: refParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { project, actor } = projectRequest(request)
      await auth.keys.rotate(project)
      await auth.services.control.$transaction((tx) =>
        recordAudit(tx, {
          actor,
          action: 'signing_key.rotate',
          target: project.ref,
          organizationId: project.organizationId,
          projectId: project.id,
          request,
        }),
      )
      return reply.code(204).send(null)
    },
  )
}

function present({ settings, secrets }: LoadedAuthSettings) {
  const isSet = (secret: string | undefined) => ({ isSet: secret !== undefined })
  return {
    settings,
    secrets: {
      providers: Object.fromEntries(Object.keys(secrets.providers).map((name) => [name, { isSet: true }])),
      smtpPassword: isSet(secrets.smtpPassword),
      smsToken: isSet(secrets.smsToken),
      captchaSecret: isSet(secrets.captchaSecret),
    },
  }
}
