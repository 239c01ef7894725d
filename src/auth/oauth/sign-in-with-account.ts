import type { User } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import type { Device } from '../device.ts'
import { tellSignInMethod } from '../mail/tell-sign-in-method.ts'
import { answerSignIn } from '../sessions/answer-sign-in.ts'
import type { SessionTokens } from '../sessions/issue-tokens.ts'
import { openSession } from '../sessions/open-session.ts'
import { createUser } from '../users/create-user.ts'
import { userOfProvenAddress } from '../users/prove-address.ts'
import { addIdentity, findOwner, lockIdentity } from './identities.ts'
import type { ProvenAccount } from './exchange-code.ts'
import type { ProviderAccount } from './provider-account.ts'

interface Found {
  user: User
  isNew: boolean
}

/**
 * Signs in whoever the account at the provider belongs to: whom it signed in before; else whoever has the address that
 * the provider vouches for; else the anonymous user who is asking, who keeps their id; else a new user.
 */
export async function signInWithAccount(
  auth: Auth,
  project: Project,
  proven: ProvenAccount,
  device: Device,
  current: UserActor | null,
): Promise<SessionTokens> {
  const anonymousId = current?.isAnonymous === true ? current.uid : undefined
  const { user, isNew, isLinked, session } = await auth.services.control.$transaction(async (tx) => {
    await lockIdentity(tx, project, proven)
    const known = await findOwner(tx, project, proven)
    const found =
      known === null
        ? await findByAccount(auth, tx, project, proven.account, anonymousId)
        : { user: known.user, isNew: false }
    if (known === null) await addIdentity(tx, project, found.user.id, proven)
    if (found.isNew) await auth.hooks.afterSignUp(tx, project, found.user)
    const session = await openSession(auth, tx, project, found.user, { amr: ['fed'], assurance: 1 }, device)
    return { ...found, session, isLinked: known === null && !found.isNew && found.user.id !== anonymousId }
  })
  auth.sessions.userChanged(user.id)
  // Somebody with an account, who signs in by this provider for the first time.
  if (isLinked) {
    const method = { provider: proven.provider }
    tellSignInMethod(auth, project, 'added', user.email, method, device.languages)
  }
  if (isNew) auth.hooks.enqueued(project)
  return answerSignIn(auth, project, user, session)
}

/** An address that the provider doesn't vouch for finds nobody, and isn't given to anybody. */
async function findByAccount(
  auth: Auth,
  tx: ControlPlaneTransaction,
  project: Project,
  account: ProviderAccount,
  anonymousId: string | undefined,
): Promise<Found> {
  const profile = profileFrom(account)
  const { email, isEmailVerified } = account
  if (email !== null && isEmailVerified) {
    const { user, isNew } = await userOfProvenAddress(auth, tx, project, { email }, anonymousId)
    const isNamed = isNew || user.id === anonymousId
    return { user: isNamed ? await addToProfile(tx, user, profile) : user, isNew }
  }
  if (anonymousId !== undefined) return { user: await nameAnonymous(tx, anonymousId, account), isNew: false }
  const user = await createUser(auth, tx, project, { profile })
  if (user === null) throw new Error('a user without address was taken for another')
  return { user, isNew: true }
}

/** An anonymous user isn't any more, and keeps id and data. */
export async function nameAnonymous(
  tx: ControlPlaneTransaction,
  id: string,
  account: ProviderAccount,
): Promise<User> {
  const user = await tx.user.update({ where: { id }, data: { isAnonymous: false } })
  return addToProfile(tx, user, profileFrom(account))
}

/** What users said of themselves stays. */
async function addToProfile(tx: ControlPlaneTransaction, user: User, profile: Profile): Promise<User> {
  const data = { profile: { ...profile, ...(user.profile as object) } }
  return tx.user.update({ where: { id: user.id }, data })
}

type Profile = { name?: string; avatarUrl?: string }

function profileFrom({ name, avatarUrl }: ProviderAccount): Profile {
  return { ...(name !== null && { name }), ...(avatarUrl !== null && { avatarUrl }) }
}
