import type { ApiRequest, Transport } from '../transport.ts'
import type { User } from './session.ts'
import type { SessionKeeper } from './session-keeper.ts'

/** For requests that are answered with the user: what is kept of them is what the server knows now. */
export async function keepUser<Profile>(
  transport: Transport,
  keeper: SessionKeeper<Profile>,
  request: ApiRequest = { method: 'GET', path: '/auth/me' },
): Promise<User<Profile>> {
  const user = await transport.json<User<Profile>>(request)
  await keeper.replaceUser(user)
  return user
}

/** After something gave them a way to come back: who was anonymous isn't any more. */
export async function keepIfAnonymous<Profile>(
  transport: Transport,
  keeper: SessionKeeper<Profile>,
): Promise<void> {
  const kept = await keeper.kept()
  if (kept?.user.isAnonymous === true) await keepUser(transport, keeper)
}
