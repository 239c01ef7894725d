import type { HttpServer } from '../platform/http-server.ts'
import { startPeriodically } from '../platform/start-periodically.ts'
import { registerAccountRoutes } from './account-routes.ts'
import type { Auth } from './auth.ts'
import { registerCodeRoutes } from './code-routes.ts'
import { registerUserRoutes } from './administration/routes.ts'
import { registerFactorRoutes } from './factors/routes.ts'
import { registerOAuthRoutes } from './oauth/routes.ts'
import { registerMeRoutes } from './me/routes.ts'
import { registerMagicLinkPage } from './magic-link-page.ts'
import { deliverDueMails, trimMails } from './mail/deliver-mail.ts'
import { registerMailRoutes } from './mail/mail-routes.ts'
import { registerPasskeyRoutes } from './passkeys/routes.ts'
import { registerPasswordRoutes } from './password-routes.ts'
import { registerSessionRoutes } from './session-routes.ts'
import { registerAuthSettingsRoutes } from './settings/settings-routes.ts'
import { trimSessions } from './sessions/trim-sessions.ts'
import { createTokenVerifier } from './sessions/verify-token.ts'

/** End users: how they sign in, stay signed in, and are managed. */
export function registerAuth(app: HttpServer, auth: Auth): void {
  const { verify, endOf } = createTokenVerifier(auth)
  auth.projects.registerTokenVerifier(verify, endOf)
  registerPasswordRoutes(app, auth)
  registerSessionRoutes(app, auth)
  registerOAuthRoutes(app, auth)
  registerPasskeyRoutes(app, auth)
  registerFactorRoutes(app, auth)
  registerUserRoutes(app, auth)
  registerMeRoutes(app, auth)
  registerCodeRoutes(app, auth)
  registerMagicLinkPage(app, auth)
  registerAccountRoutes(app, auth)
  registerMailRoutes(app, auth)
  registerAuthSettingsRoutes(app, auth)
  workInBackground(app, auth)
}

/** Mails at the start too: a node that died may have left some. */
function workInBackground(app: HttpServer, auth: Auth): void {
  const deliver = (): Promise<void> => deliverDueMails(auth)
  app.addHook('onReady', () => auth.behind.run('due mails', deliver))
  const stops = [
    startPeriodically(auth.services, 'mails', 30_000, deliver),
    startPeriodically(auth.services, 'trim-mails', 3_600_000, () => trimMails(auth)),
    startPeriodically(auth.services, 'trim-sessions', 3_600_000, () => trimSessions(auth)),
  ]
  app.addHook('onClose', async () => {
    await Promise.all(stops.map((stop) => stop()))
    await auth.behind.close()
  })
}
