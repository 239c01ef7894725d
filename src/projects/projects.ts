import type { IncomingMessage } from 'node:http'
import { LookupCache } from '../platform/lookup-cache.ts'
import type { Services } from '../platform/services.ts'
import type { Actor, UserActor } from './actor.ts'
import { createCredentials, type Credentials } from './credentials.ts'
import type { Project } from './project.ts'
import { completeSettings, storedSettings } from './project-settings.ts'
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts'

/** Runs SQL (several statements are fine) inside the transaction that creates or deletes the project. */
type RunSql = (sql: string) => Promise<unknown>

type ProjectHook = (run: RunSql, project: Project) => Promise<void>

/** Null: not a token of this project, or not valid (any more). */
type TokenVerifier = (token: string, project: Project) => UserActor | null | Promise<UserActor | null>

/** When a token that was verified ends by itself, in milliseconds since 1970; 0 if nobody remembers. */
type TokenEnd = (token: string) => number

/** Who stands behind a request that came from inside, and of which project alone it may be. */
interface Insider {
  projectId: string
  actor: () => Actor | Promise<Actor>
}

/** The projects of this server, as every node knows them: cached, and dropped from the caches on a change. */
export interface Projects {
  /** Null: no such project. Answers at once while the project is in memory. */
  byRef(ref: string): Project | null | Promise<Project | null>
  /** All of them, from the database: for work in the background. */
  list(): Promise<Project[]>
  /** `hook` makes what a feature needs in the new project's schema, which exists already. */
  onCreate(hook: ProjectHook): void
  /** `hook` runs before the schema is dropped; locks that keep writers out are taken here. */
  onDelete(hook: ProjectHook): void
  /** For bearer tokens that are neither keys nor operators': the users'. Without a verifier they are refused. */
  registerTokenVerifier(verify: TokenVerifier, endOf?: TokenEnd): void
  /** Tells every node to read the project again. Call it after COMMIT. */
  changed(ref: string): void
  /**
   * Requests that functions make, which came through the socket of their project alone: no header says who they are.
   * One that shows a credential of its own is judged by that.
   */
  readonly insiders: WeakMap<IncomingMessage, Insider>
  readonly cache: LookupCache<Project>
  readonly credentials: Credentials
  readonly rateLimiter: RateLimiter
  readonly verifyToken: TokenVerifier
  readonly endOfToken: TokenEnd
  runCreateHooks: ProjectHook
  runDeleteHooks: ProjectHook
  close(): Promise<void>
}

/** The bus's topic for projects that changed or are gone; the payload is the ref. */
export const projectsTopic = 'projects'

export function createProjects(services: Services): Projects {
  const { bus, control } = services
  const cache = new LookupCache<Project>({ maxEntries: 10_000, read: (ref) => readProject(services, ref) })
  const credentials = createCredentials(services)
  const rateLimiter = createRateLimiter(services)
  const createHooks: ProjectHook[] = []
  const deleteHooks: ProjectHook[] = []
  let verifier: TokenVerifier = () => null
  let tokenEnd: TokenEnd = () => 0
  bus.subscribe(projectsTopic, (ref) => cache.forget((project) => project.ref === ref))
  bus.onReset(() => cache.clear())

  return {
    insiders: new WeakMap(),
    cache,
    credentials,
    rateLimiter,
    byRef(ref) {
      const known = cache.get(ref)
      return known === undefined ? cache.load(ref) : known
    },
    async list() {
      const rows = await control.project.findMany({ orderBy: { id: 'asc' } })
      return rows.map((row) => toProject(services, row))
    },
    onCreate: (hook) => createHooks.push(hook),
    onDelete: (hook) => deleteHooks.push(hook),
    registerTokenVerifier(verify, endOf = () => 0) {
      verifier = verify
      tokenEnd = endOf
    },
    verifyToken: (token, project) => verifier(token, project),
    endOfToken: (token) => tokenEnd(token),
    changed: (ref) => bus.publish(projectsTopic, ref),
    runCreateHooks: (run, project) => runInOrder(createHooks, run, project),
    runDeleteHooks: (run, project) => runInOrder(deleteHooks, run, project),
    async close() {
      await Promise.all([credentials.close(), rateLimiter.close()])
    },
  }
}

/** What the control plane's row says, with the settings' defaults. */
export function toProject(
  { config }: Services,
  row: { id: string; ref: string; organizationId: string; name: string; settings: unknown },
): Project {
  const { id, ref, organizationId, name } = row
  return { id, ref, organizationId, name, settings: completeSettings(storedSettings(row.settings), config) }
}

const refPattern = /^[a-z][a-z0-9]{7,31}$/

async function readProject(services: Services, ref: string): Promise<Project | null> {
  if (!refPattern.test(ref)) return null
  const row = await services.control.project.findUnique({ where: { ref } })
  return row === null ? null : toProject(services, row)
}

async function runInOrder(hooks: ProjectHook[], run: RunSql, project: Project): Promise<void> {
  for (const hook of hooks) await hook(run, project)
}
