import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import type { Passkey } from '../../platform/generated/client.ts'
import type { ControlPlane, ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { type Ceremony, ceremonyTimeoutMs, makeChallenge, useChallenge } from './challenges.ts'
import { passkeyRefused } from './errors.ts'
import { relyingPartyOf } from './relying-party.ts'

/**
 * What `navigator.credentials.get` takes. For a sign-in it names no passkeys, so that nobody learns which accounts have
 * some.
 */
export async function authenticationOptions(
  auth: Auth,
  project: Project,
  ceremony: Ceremony,
  passkeys: readonly Passkey[] = [],
) {
  const party = await relyingPartyOf(auth, project)
  const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: await makeChallenge(auth, project, ceremony),
    timeout: ceremonyTimeoutMs,
    userVerification: 'preferred',
    ...(passkeys.length > 0 && {
      allowCredentials: passkeys.map(({ credentialId: id, transports }) => ({ id, transports })),
    }),
  })
}

/** A passkey whose authenticator signed the challenge. */
export interface VerifiedPasskey {
  passkey: Passkey
  counter: number
  /** RFC 8176: a key that can't leave its device, or one that is synchronised; and that a person was there. */
  amr: string[]
  /** By PIN or biometrics: something that one has, and something that one knows or is. */
  isUserVerified: boolean
}

/** Throws `unauthenticated`, or `code_invalid` for a challenge that was not made for this. Call `useCounter` next. */
export async function verifyPasskey(
  auth: Auth,
  project: Project,
  ceremony: Ceremony,
  response: AuthenticationResponseJSON,
): Promise<VerifiedPasskey> {
  const party = await relyingPartyOf(auth, project)
  const challenge = await useChallenge(auth, project, ceremony, response.response.clientDataJSON)
  const passkey = await auth.services.control.passkey.findUnique({
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
  const { newCounter: counter, userVerified: isUserVerified, credentialDeviceType } = authenticationInfo
  const amr = [credentialDeviceType === 'singleDevice' ? 'hwk' : 'swk', 'user']
  return { passkey, counter, amr, isUserVerified }
}

/** On the counter that was checked against: of a copied authenticator's signatures only one gets through. */
export async function useCounter(
  tx: ControlPlane | ControlPlaneTransaction,
  { passkey, counter }: VerifiedPasskey,
): Promise<void> {
  const { count } = await tx.passkey.updateMany({
    where: { id: passkey.id, counter: passkey.counter },
    data: { counter, lastUsedAt: new Date() },
  })
  if (count === 0) throw passkeyRefused()
}
