import { createAuth } from './auth/auth.ts'
import { registerAuth } from './auth/routes.ts'
import { changeTablesSql, lockChangesSql } from './changes/change-tables.ts'
import { registerChanges } from './changes/routes.ts'
import { trimChanges } from './changes/trim-changes.ts'
import { createDocuments, type Documents } from './documents/documents.ts'
import { documentTablesSql } from './documents/project-tables.ts'
import { registerDocuments } from './documents/routes.ts'
import { trimIdempotency } from './documents/trim-idempotency.ts'
import { createFunctions, type Functions } from './functions/functions.ts'
import { hookAuth } from './functions/hook-auth.ts'
import { hookDocuments } from './functions/hook-documents.ts'
import { registerFunctions } from './functions/routes.ts'
import { runTasks } from './functions/run-tasks.ts'
import { trimFunctionLogs } from './functions/logs/trim-function-logs.ts'
import { registerApiPages } from './platform/api-pages.ts'
import { registerConsolePages } from './platform/console-pages.ts'
import { createHttpServer, type HttpServer } from './platform/http-server.ts'
import { registerOperations } from './platform/operations.ts'
import { startPeriodically } from './platform/start-periodically.ts'
import type { Services } from './platform/services.ts'
import { securityOf } from './projects/access.ts'
import { registerAccess } from './projects/check-access.ts'
import { projectSchema } from './projects/project.ts'
import { createProjects, type Projects } from './projects/projects.ts'
import { registerProjects } from './projects/routes.ts'
import { createRealtime } from './realtime/realtime.ts'
import { registerRealtime } from './realtime/routes.ts'
import { deleteTasksSql } from './tasks/delete-tasks.ts'
import { registerTasks } from './tasks/routes.ts'
import { createTasks, type Tasks } from './tasks/tasks.ts'
import { trimOrphanedTasks, trimTasks } from './tasks/trim-tasks.ts'

export interface App {
  server: HttpServer
  projects: Projects
  documents: Documents
  functions: Functions
  /** Runs nothing before `tasks.start()`. */
  tasks: Tasks
}

/** The whole product on one page: each feature in a line or two. */
export async function createApp(services: Services): Promise<App> {
  const { config, log, metrics, db, backgroundDb } = services
  const server = await createHttpServer(config, log, metrics)
  const projects = createProjects(services)
  const tasks = createTasks(services, projects)
  const auth = createAuth(services, projects)
  const documents = createDocuments(services)
  const functions = await createFunctions(services, projects, tasks, (request, response) =>
    server.routing(request, response),
  )
  hookAuth(auth, functions)
  hookDocuments(documents, functions)
  runTasks(functions)

  projects.onCreate((run, project) => run(changeTablesSql(projectSchema(project))).then(ignore))
  projects.onCreate((run, project) => run(documentTablesSql(projectSchema(project))).then(ignore))
  projects.onDelete((run, project) => run(lockChangesSql(projectSchema(project))).then(ignore))
  projects.onDelete((_run, project) => functions.runtimes.drop(project.id))
  projects.onDelete((run, project) => run(deleteTasksSql(project)).then(ignore))

  await registerApiPages(server, securityOf)
  await registerConsolePages(server)
  registerAccess(server, services, projects)
  registerOperations(server, services)
  registerProjects(server, services, projects)
  registerAuth(server, auth)
  registerDocuments(server, documents)
  registerChanges(server, services)
  await registerFunctions(server, functions)
  registerTasks(server, tasks)
  await registerRealtime(server, createRealtime(services, projects, documents))

  const stopTrimming = startPeriodically(services, 'trim', 60_000, async () => {
    for (const project of await projects.list()) {
      const { retentionDays: days, retentionMegabytes: megabytes } = project.settings.changes
      const retention = { days, megabytes, rows: config.changeRetention.maxRows }
      try {
        await trimChanges(db, projectSchema(project), retention)
        await trimIdempotency(db, projectSchema(project))
        await trimTasks(backgroundDb, project.id, config.taskRetention)
      } catch (error) {
        // One that is being deleted, for example; the others are trimmed all the same.
        log.warn({ err: error, project: project.ref }, 'could not trim a project')
      }
    }
    await trimOrphanedTasks(backgroundDb)
  })
  const stopTrimmingLogs = startPeriodically(services, 'trim functions', 600_000, () => trimFunctionLogs(db))
  server.addHook('onClose', () => Promise.all([stopTrimming(), stopTrimmingLogs()]).then(ignore))
  // The last that is registered is the first that runs: tasks end before what they use.
  server.addHook('onClose', () => tasks.stop())
  return { server, projects, documents, functions, tasks }
}

function ignore(): void {}
