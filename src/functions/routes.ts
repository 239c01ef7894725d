import type { HttpServer } from '../platform/http-server.ts'
import { registerCallRoutes } from './calls/call-routes.ts'
import { registerHttpFunctions } from './calls/http-functions.ts'
import { registerDeploymentRoutes } from './deployments/deployment-routes.ts'
import type { Functions } from './functions.ts'
import { registerLogRoutes } from './logs/log-routes.ts'
import { registerSecretRoutes } from './secrets/secret-routes.ts'
import { registerTopicRoutes } from './topics/topic-routes.ts'

/** A project's own code: deploying it, calling it, and what it wrote. */
export async function registerFunctions(app: HttpServer, functions: Functions): Promise<void> {
  registerDeploymentRoutes(app, functions)
  registerSecretRoutes(app, functions)
  registerLogRoutes(app, functions)
  registerTopicRoutes(app, functions)
  registerCallRoutes(app, functions)
  await registerHttpFunctions(app, functions)
  app.addHook('onClose', () => functions.close())
}
