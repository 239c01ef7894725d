import { Value } from 'typebox/value'
import { LookupCache } from '../../platform/lookup-cache.ts'
import type { Prisma } from '../../platform/generated/client.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { SecretBox } from '../../platform/secret-box.ts'
import type { Services } from '../../platform/services.ts'
import type { Project } from '../../projects/project.ts'
import { AuthSettings, type AuthSecrets, defaultAuthSettings } from './auth-settings.ts'

/** A project's settings and their secrets, as sign-ins need them. */
export interface LoadedAuthSettings {
  projectId: string
  settings: AuthSettings
  secrets: AuthSecrets
}

export interface AuthSettingsStore {
  of(project: Pick<Project, 'id'>): Promise<LoadedAuthSettings>
  /** Past the cache: what a change starts from. */
  read(tx: ControlPlaneTransaction, project: Project): Promise<LoadedAuthSettings>
  save(
    tx: ControlPlaneTransaction,
    project: Project,
    settings: AuthSettings,
    secrets: AuthSecrets,
  ): Promise<void>
  /** After COMMIT. */
  changed(project: Project): void
}

const topic = 'auth-settings'

export function createAuthSettingsStore({ control, bus }: Services, box: SecretBox): AuthSettingsStore {
  const cache = new LookupCache<LoadedAuthSettings>({ maxEntries: 5_000, read: (id) => read(control, id) })
  bus.subscribe(topic, (projectId) => cache.forget((found) => found.projectId === projectId))
  bus.onReset(() => cache.clear())

  async function read(
    tx: ControlPlane | ControlPlaneTransaction,
    projectId: string,
  ): Promise<LoadedAuthSettings> {
    const row = await tx.authSettings.findUnique({ where: { projectId } })
    const merged = { ...defaultAuthSettings, ...(row?.settings as object | undefined) }
    const secrets: AuthSecrets =
      typeof row?.secrets !== 'string' ? { providers: {} } : JSON.parse(box.open(row.secrets, projectId))
    return { projectId, settings: Value.Check(AuthSettings, merged) ? merged : defaultAuthSettings, secrets }
  }

  return {
    async of(project) {
      const known = cache.get(project.id)
      return (await (known === undefined ? cache.load(project.id) : known)) ?? read(control, project.id)
    },
    read: (tx, project) => read(tx, project.id),
    async save(tx, project, settings, secrets) {
      const sealed = box.seal(JSON.stringify(secrets), project.id)
      const data = { settings: settings as unknown as Prisma.InputJsonObject, secrets: sealed }
      await tx.authSettings.upsert({
        where: { projectId: project.id },
        create: { projectId: project.id, ...data },
        update: data,
      })
    },
    changed(project) {
      bus.publish(topic, project.id)
    },
  }
}
