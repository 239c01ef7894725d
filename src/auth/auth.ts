import { createSecretBox, type SecretBox } from '../platform/secret-box.ts'
import type { Services } from '../platform/services.ts'
import type { Projects } from '../projects/projects.ts'
import { createSessionCache, type SessionCache } from './sessions/session-cache.ts'
import { createSigningKeys, type SigningKeys } from './sessions/signing-keys.ts'
import { type AuthHooks, createAuthHooks } from './auth-hooks.ts'
import { createWorkBehind, type WorkBehind } from './mail/work-behind.ts'
import { type AuthSettingsStore, createAuthSettingsStore } from './settings/settings-store.ts'

/** What every behaviour of this feature works with. */
export interface Auth {
  services: Services
  projects: Projects
  box: SecretBox
  keys: SigningKeys
  sessions: SessionCache
  settings: AuthSettingsStore
  hooks: AuthHooks
  behind: WorkBehind
}

export function createAuth(services: Services, projects: Projects): Auth {
  const box = createSecretBox(services.masterKeys, 'auth')
  const settings = createAuthSettingsStore(services, box)
  return {
    services,
    projects,
    box,
    keys: createSigningKeys(services, box),
    sessions: createSessionCache(services, settings),
    settings,
    hooks: createAuthHooks(),
    behind: createWorkBehind(services.log),
  }
}
