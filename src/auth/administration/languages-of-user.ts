import type { User } from '../../platform/generated/client.ts'

/** For mails about what an administrator did, whose request says nothing of the user: only the profile may tell. */
export function languagesOfUser({ profile }: User): string[] {
  const locale =
    typeof profile === 'object' && profile !== null && 'locale' in profile ? profile.locale : null
  return typeof locale === 'string' ? [locale.slice(0, 35).replace('_', '-')] : []
}
