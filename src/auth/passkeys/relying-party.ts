import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { methodDisabled } from '../errors.ts'

/** For whom passkeys are made: a domain, and the origins below it that may use them. Both are settings, never headers. */
export interface RelyingParty {
  id: string
  name: string
  origins: string[]
}

/** Throws `forbidden` unless passkeys are switched on and the domain and an origin are set. */
export async function relyingPartyOf(auth: Auth, project: Project): Promise<RelyingParty> {
  const { passkeys } = (await auth.settings.of(project)).settings
  const { enabled, rpId: id, origins } = passkeys
  if (!enabled || id === undefined || origins.length === 0) throw methodDisabled('passkey')
  return { id, name: project.name, origins: [...origins] }
}
