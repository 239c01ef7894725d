import { createHash } from 'node:crypto'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { useSecret } from '../codes/one-time-codes.ts'
import type { ProviderAccount } from './provider-account.ts'

/** An account that its owner has just signed in to at the provider. */
export interface ProvenAccount {
  provider: string
  account: ProviderAccount
}

export interface CodeAndVerifier {
  code: string
  codeVerifier: string
}

/** Under which a code is kept: without the verifier it is neither found nor used up. */
export function exchangeTarget(codeChallenge: string): string {
  return `exchange ${codeChallenge}`
}

/** Uses a code up that the redirect brought to the app. Throws `code_invalid`. */
export async function exchangeCode(
  auth: Auth,
  project: Project,
  { code, codeVerifier }: CodeAndVerifier,
): Promise<ProvenAccount> {
  const challenge = createHash('sha256').update(codeVerifier).digest('base64url')
  const { data } = await useSecret(auth.services.control, project, 'oauth', exchangeTarget(challenge), code)
  return data as unknown as ProvenAccount
}
