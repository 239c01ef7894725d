import { hashSecret } from '../../platform/ids.ts'
import { flowSeconds } from './start-oauth.ts'

/**
 * One cookie for each sign-in under way, so that two tabs don't disturb each other. `__Host-` keeps subdomains from
 * setting it (RFC 6265bis); a form that another site posts brings only cookies that say `SameSite=None`.
 */
export function flowCookie(
  publicUrl: string,
  state: string,
  value: string,
  { isFormPost = false }: { isFormPost?: boolean },
): string {
  const isSecure = publicUrl.startsWith('https:') || isFormPost
  const parts = [
    `${cookieName(publicUrl, state)}=${value}`,
    'Path=/',
    `Max-Age=${value === '' ? 0 : flowSeconds}`,
    'HttpOnly',
    `SameSite=${isFormPost ? 'None' : 'Lax'}`,
    ...(isSecure ? ['Secure'] : []),
  ]
  return parts.join('; ')
}

export function readFlowCookie(
  publicUrl: string,
  state: string,
  header: string | undefined,
): string | undefined {
  const name = cookieName(publicUrl, state)
  const pair = header?.split(/; */).find((part) => part.startsWith(`${name}=`))
  return pair?.slice(name.length + 1)
}

function cookieName(publicUrl: string, state: string): string {
  const prefix = publicUrl.startsWith('https:') ? '__Host-' : ''
  return `${prefix}basalt-sign-in-${hashSecret(state).slice(0, 12)}`
}
