import { hashSecret } from '../platform/ids.ts'
import type { OrganizationRole } from '../platform/generated/enums.ts'
import { LookupCache } from '../platform/lookup-cache.ts'
import type { Services } from '../platform/services.ts'
import type { AnonymousActor, KeyActor } from './actor.ts'
import { isScope } from './actor.ts'

/** A key that somebody showed, as it stands in memory. */
export interface KeyCredential {
  keyId: string
  projectId: string
  actor: AnonymousActor | KeyActor
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** A signed-in operator, as it stands in memory. */
export interface SessionCredential {
  sessionId: string
  operatorId: string
  /** By organization. */
  roles: ReadonlyMap<string, OrganizationRole>
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Who stands behind keys and operators' tokens, from memory where possible. */
export interface Credentials {
  keys: LookupCache<KeyCredential>
  sessions: LookupCache<SessionCredential>
  /** Tells every node to read the keys of a project again. Call it after COMMIT. */
  keysChanged(projectId: string): void
  /** Tells every node to read the sessions and roles of an operator again. Call it after COMMIT. */
  operatorChanged(operatorId: string): void
  close(): Promise<void>
}

/** How long a session lives without being used, and at most. */
export const sessionLifetime = { idleDays: 30, absoluteDays: 90 } as const

const dayMs = 86_400_000
const sessionTouchedEveryMs = 3_600_000
const keyUseFlushMs = 10_000
/** The bus's topic for keys that changed; the payload is the project's id. */
export const keysTopic = 'project-keys'
/** The bus's topic for operators whose sessions or roles changed; the payload is the operator's id. */
export const operatorsTopic = 'operators'

export function createCredentials(services: Services): Credentials {
  const { bus } = services
  const keyUse = createKeyUse(services)
  const keys = new LookupCache<KeyCredential>({
    maxEntries: 20_000,
    async read(token) {
      const key = await readKey(services, token)
      if (key !== null) keyUse.note(key.keyId)
      return key
    },
  })
  const sessions = new LookupCache<SessionCredential>({
    maxEntries: 5_000,
    read: (token) => readSession(services, token),
  })
  bus.subscribe(keysTopic, (projectId) => keys.forget((key) => key.projectId === projectId))
  bus.subscribe(operatorsTopic, (id) => sessions.forget((session) => session.operatorId === id))
  bus.onReset(() => {
    keys.clear()
    sessions.clear()
  })
  return {
    keys,
    sessions,
    keysChanged: (projectId) => bus.publish(keysTopic, projectId),
    operatorChanged: (operatorId) => bus.publish(operatorsTopic, operatorId),
    close: () => keyUse.close(),
  }
}

async function readKey({ control }: Services, token: string): Promise<KeyCredential | null> {
  const key = await control.apiKey.findUnique({ where: { tokenHash: hashSecret(token) } })
  if (key === null) return null
  return {
    keyId: key.id,
    projectId: key.projectId,
    actor:
      key.kind === 'publishable'
        ? { kind: 'anonymous' }
        : { kind: 'key', keyId: key.id, scopes: key.scopes.filter(isScope) },
    expiresAt: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  }
}

async function readSession({ control }: Services, token: string): Promise<SessionCredential | null> {
  const session = await control.operatorSession.findUnique({
    where: { tokenHash: hashSecret(token) },
    include: { operator: { include: { memberships: true } } },
  })
  if (session === null) return null
  const now = Date.now()
  const idleUntil = session.lastUsedAt.getTime() + sessionLifetime.idleDays * dayMs
  if (idleUntil <= now) return null
  if (now - session.lastUsedAt.getTime() > sessionTouchedEveryMs) {
    await control.operatorSession.updateMany({
      where: { id: session.id },
      data: { lastUsedAt: new Date(now) },
    })
  }
  return {
    sessionId: session.id,
    operatorId: session.operatorId,
    roles: new Map(session.operator.memberships.map((member) => [member.organizationId, member.role])),
    expiresAt: Math.min(session.expiresAt.getTime(), idleUntil),
  }
}

/** Keys in use are read again every few seconds anyway: noting that is precise enough for `lastUsedAt`. */
function createKeyUse({ control, log }: Services): { note(keyId: string): void; close(): Promise<void> } {
  let used = new Set<string>()
  async function flush(): Promise<void> {
    if (used.size === 0) return
    const ids = [...used]
    used = new Set()
    await control.apiKey
      .updateMany({ where: { id: { in: ids } }, data: { lastUsedAt: new Date() } })
      .catch((error: unknown) => log.warn({ err: error }, 'could not note when keys were used'))
  }
  const timer = setInterval(() => void flush(), keyUseFlushMs).unref()
  return {
    note: (keyId) => used.add(keyId),
    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}
