import { newSecret } from '../../platform/ids.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { makeToken, useSecret } from '../codes/one-time-codes.ts'
import { codeInvalid } from '../errors.ts'

/** What a challenge is for: a user who adds a passkey, a user who proves again who they are, or whoever signs in. */
export type Ceremony = { addsTo: string } | { proves: string } | 'sign-in'

const minutes = 5

/** As long as the browser shows its dialog. */
export const ceremonyTimeoutMs = minutes * 60_000

/** What an authenticator signs. It carries its own one-time token, so nothing has to be sent along with the answer. */
export async function makeChallenge(auth: Auth, project: Project, ceremony: Ceremony): Promise<string> {
  const id = newSecret('')
  const target = targetOf(ceremony, id)
  const token = await makeToken(auth.services.control, project, { purpose: 'challenge', target, minutes })
  return `${id}.${token}`
}

/**
 * Uses up the challenge that the browser says was signed, and returns it as the signature has it. Throws `code_invalid`
 * unless it was made here, for this ceremony, a few minutes ago, and not used since.
 */
export async function useChallenge(
  auth: Auth,
  project: Project,
  ceremony: Ceremony,
  clientDataJson: string,
): Promise<string> {
  const challenge = readChallenge(clientDataJson)
  const [id = '', token = ''] = Buffer.from(challenge, 'base64url').toString().split('.')
  await useSecret(auth.services.control, project, 'challenge', targetOf(ceremony, id), token)
  return challenge
}

/** https://www.w3.org/TR/webauthn-3/#dictionary-client-data */
function readChallenge(clientDataJson: string): string {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJson, 'base64url').toString())
    if (typeof data !== 'object' || data === null || !('challenge' in data)) throw codeInvalid()
    if (typeof data.challenge !== 'string' || data.challenge.length > 200) throw codeInvalid()
    return data.challenge
  } catch (error) {
    if (error instanceof SyntaxError) throw codeInvalid()
    throw error
  }
}

function targetOf(ceremony: Ceremony, id: string): string {
  // PostgreSQL's text holds no zero byte, and what the browser sent may.
  const plain = /^[\w-]{1,64}$/.test(id) ? id : ''
  if (ceremony === 'sign-in') return `passkey ${plain}`
  return 'addsTo' in ceremony
    ? `passkey for ${ceremony.addsTo} ${plain}`
    : `passkey of ${ceremony.proves} ${plain}`
}
