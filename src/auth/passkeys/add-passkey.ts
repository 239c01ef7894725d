import type { RegistrationResponseJSON } from '@simplewebauthn/server'
import type { Passkey, Prisma } from '../../platform/generated/client.ts'
import { newId } from '../../platform/ids.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { auditUser, type UserChange } from '../users/audit-user.ts'
import { ceremonyTimeoutMs, makeChallenge, useChallenge } from './challenges.ts'
import { passkeyTaken, registrationInvalid, tooManyPasskeys } from './errors.ts'
import { relyingPartyOf } from './relying-party.ts'

const maxPasskeys = 20

/** What `navigator.credentials.create` takes (https://www.w3.org/TR/webauthn-3/#sctn-parseCreationOptionsFromJSON). */
export async function registrationOptions(auth: Auth, project: Project, { uid }: UserActor) {
  const party = await relyingPartyOf(auth, project)
  const user = await auth.services.control.user.findUniqueOrThrow({
    where: { id: uid },
    include: { passkeys: true },
  })
  if (user.passkeys.length >= maxPasskeys) throw tooManyPasskeys(maxPasskeys)
  const { generateRegistrationOptions } = await import('@simplewebauthn/server')
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userID: new Uint8Array(Buffer.from(uid)),
    userName: user.email ?? user.phone ?? party.name,
    userDisplayName: displayName(user.profile),
    challenge: await makeChallenge(auth, project, { addsTo: uid }),
    timeout: ceremonyTimeoutMs,
    attestationType: 'none',
    excludeCredentials: user.passkeys.map(({ credentialId: id, transports }) => ({ id, transports })),
    // Discoverable: one signs in without saying who one is.
    authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
  })
}

/**
 * Lets the authenticator sign the user in from now on, and tells their address. An anonymous user isn't any more, having
 * a way to come back.
 */
export async function addPasskey(
  auth: Auth,
  change: UserChange<UserActor>,
  { response, name }: { response: RegistrationResponseJSON; name: string },
  languages: readonly string[],
): Promise<Passkey> {
  const { project, actor } = change
  const { uid } = actor
  const party = await relyingPartyOf(auth, project)
  const { clientDataJSON } = response.response
  const expectedChallenge = await useChallenge(auth, project, { addsTo: uid }, clientDataJSON)
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  const { registrationInfo } = await verifyRegistrationResponse({
    response,
    expectedChallenge,
    expectedOrigin: party.origins,
    expectedRPID: party.id,
    requireUserVerification: false,
  }).catch((error: unknown) => {
    throw registrationInvalid(error)
  })
  if (registrationInfo === undefined) throw registrationInvalid()
  const { id: credentialId, publicKey, counter, transports = [] } = registrationInfo.credential
  const data: Prisma.PasskeyCreateManyInput = {
    id: newId(),
    projectId: project.id,
    userId: uid,
    credentialId,
    publicKey,
    counter,
    transports: transports.slice(0, 10),
    name,
  }
  const passkey = await auth.services.control.$transaction(async (tx) => {
    await tx.user.update({ where: { id: uid }, data: { isAnonymous: false } })
    // The row of the user is locked by now: two registrations at once count each other.
    if ((await tx.passkey.count({ where: { userId: uid } })) >= maxPasskeys)
      throw tooManyPasskeys(maxPasskeys)
    const [added] = await tx.passkey.createManyAndReturn({ data: [data], skipDuplicates: true })
    if (added === undefined) throw passkeyTaken()
    await auditUser(tx, change, 'user.add_passkey', uid, { passkey: name })
    return added
  })
  auth.sessions.userChanged(uid)
  tellSignInMethod(auth, project, 'added', actor.email, { passkey: name }, languages)
  return passkey
}

function displayName(profile: Prisma.JsonValue): string {
  const hasName = typeof profile === 'object' && profile !== null && 'name' in profile
  return hasName && typeof profile.name === 'string' ? profile.name.slice(0, 64) : ''
}
