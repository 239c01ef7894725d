import type { HttpServer } from '../platform/http-server.ts'
import type { Auth } from './auth.ts'
import { registerFactorRoutes } from './factors/routes.ts'
import { registerPasswordRoutes } from './password-routes.ts'
import { registerSessionRoutes } from './session-routes.ts'
import { createTokenVerifier } from './sessions/verify-token.ts'

/** End users: how they sign in, stay signed in, and are managed. */
export function registerAuth(app: HttpServer, auth: Auth): void {
  auth.projects.registerTokenVerifier(createTokenVerifier(auth))
  registerPasswordRoutes(app, auth)
  registerSessionRoutes(app, auth)
  registerFactorRoutes(app, auth)
}
