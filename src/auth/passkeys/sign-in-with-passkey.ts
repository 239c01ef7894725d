import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { issueTokens, type SessionTokens } from '../sessions/issue-tokens.ts'
import { openSession } from '../sessions/open-session.ts'
import { lockUserById } from '../users/lock-user-by-id.ts'
import { ceremonyTimeoutMs, makeChallenge, useChallenge } from './challenges.ts'
import { passkeyRefused } from './errors.ts'
import { relyingPartyOf } from './relying-party.ts'

/** What `navigator.credentials.get` takes; names no account, so that nobody learns which have passkeys. */
export async function authenticationOptions(auth: Auth, project: Project) {
  const party = await relyingPartyOf(auth, project)
  const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: await makeChallenge(auth, project, 'sign-in'),
    timeout: ceremonyTimeoutMs,
    userVerification: 'preferred',
  })
}

/**
 * Signs in whoever's authenticator signed the challenge. With PIN or biometrics these are two factors: something that
 * one has, and something that one knows or is. Throws `unauthenticated`.
 */
export async function signInWithPasskey(
  auth: Auth,
  project: Project,
  response: AuthenticationResponseJSON,
  device: Device,
): Promise<SessionTokens> {
  const { control } = auth.services
  const party = await relyingPartyOf(auth, project)
  const challenge = await useChallenge(auth, project, 'sign-in', response.response.clientDataJSON)
  const passkey = await control.passkey.findUnique({
    where: { projectId_credentialId: { projectId: project.id, credentialId: response.id } },
  })
  if (passkey === null) throw passkeyRefused()
  const { userHandle } = response.response
  const owner = Buffer.from(passkey.userId).toString('base64url')
  if (userHandle !== undefined && userHandle !== owner) throw passkeyRefused()
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response,
    expectedChallenge: challenge,
    expectedOrigin: party.origins,
    expectedRPID: party.id,
    requireUserVerification: false,
    credential: {
      id: passkey.credentialId,
      publicKey: new Uint8Array(passkey.publicKey),
      counter: Number(passkey.counter),
    },
  }).catch((error: unknown) => {
    throw passkeyRefused(error)
  })
  if (!verified) throw passkeyRefused()
  const { newCounter, userVerified, credentialDeviceType } = authenticationInfo
  // RFC 8176: a key that can't leave its device, or one that is synchronised; and that a person was there.
  const amr = [credentialDeviceType === 'singleDevice' ? 'hwk' : 'swk', 'user']
  const { user, session } = await control.$transaction(async (tx) => {
    const user = await lockUserById(tx, passkey.userId)
    // On the counter that was checked against: of a copied authenticator's signatures only one gets through.
    const { count } = await tx.passkey.updateMany({
      where: { id: passkey.id, counter: passkey.counter },
      data: { counter: newCounter, lastUsedAt: new Date() },
    })
    if (count === 0 || user === null) throw passkeyRefused()
    const proof = { amr, assurance: userVerified ? 2 : 1 } as const
    return { user, session: await openSession(auth, tx, project, user, proof, device) }
  })
  return issueTokens(auth, project, user, session)
}
