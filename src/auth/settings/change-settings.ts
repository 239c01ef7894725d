import type { Static } from 'typebox'
import { invalidRequest } from '../../platform/errors.ts'
import type { Actor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import { type AuditSource, recordAudit } from '../../projects/record-audit.ts'
import type { Auth } from '../auth.ts'
import {
  type AuthSecrets,
  type AuthSecretsPatch,
  type AuthSettings,
  type AuthSettingsPatch,
  defaultAuthSettings,
} from './auth-settings.ts'
import { settingsIssues } from './check-settings.ts'
import type { LoadedAuthSettings } from './settings-store.ts'

export interface SettingsChange {
  settings?: Static<typeof AuthSettingsPatch>
  secrets?: Static<typeof AuthSecretsPatch>
}

/**
 * Replaces the groups that are given; null brings the default back. Throws 400 with every fault, and changes nothing.
 * With `dryRun` it only tells what the settings would be.
 */
export async function changeAuthSettings(
  auth: Auth,
  { project, actor }: { project: Project; actor: Actor },
  change: SettingsChange,
  { dryRun, request }: { dryRun: boolean; request: AuditSource },
): Promise<LoadedAuthSettings> {
  const changed = await auth.services.control.$transaction(async (tx) => {
    // Two changes at once must both last.
    await tx.$executeRaw`SELECT FROM basalt.projects WHERE id = ${project.id} FOR UPDATE`
    const present = await auth.settings.read(tx, project)
    const settings = mergeGroups(present.settings, change.settings ?? {})
    const secrets = mergeSecrets(present.secrets, change.secrets ?? {})
    const issues = settingsIssues(settings, secrets)
    if (issues.length > 0) throw invalidRequest(issues)
    if (dryRun) return { projectId: project.id, settings, secrets }
    await auth.settings.save(tx, project, settings, secrets)
    await recordAudit(tx, {
      actor,
      action: 'auth_settings.change',
      target: project.ref,
      organizationId: project.organizationId,
      projectId: project.id,
      // Names alone: values may be secret.
      detail: { settings: Object.keys(change.settings ?? {}), secrets: Object.keys(change.secrets ?? {}) },
      request,
    })
    return { projectId: project.id, settings, secrets }
  })
  if (!dryRun) auth.settings.changed(project)
  return changed
}

/** Checked as a whole afterwards, so a patch can't make what the schema forbids. */
function mergeGroups(present: AuthSettings, patch: Static<typeof AuthSettingsPatch>): AuthSettings {
  const merged = Object.entries({ ...present, ...patch }).filter(([, value]) => value !== null)
  return { ...defaultAuthSettings, ...Object.fromEntries(merged) }
}

function mergeSecrets(
  present: AuthSecrets,
  { providers = {}, ...patch }: Static<typeof AuthSecretsPatch>,
): AuthSecrets {
  const isSet = ([, value]: [string, unknown]): boolean => typeof value === 'string'
  return {
    ...Object.fromEntries(Object.entries({ ...present, ...patch }).filter(isSet)),
    providers: Object.fromEntries(
      Object.entries({ ...present.providers, ...providers }).filter(
        (entry): entry is [string, string] => entry[1] !== null,
      ),
    ),
  }
}
