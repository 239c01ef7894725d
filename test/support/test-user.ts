import type { UserActor } from '../../src/projects/actor.ts'

/** A user as rules see one, without the sign-in that would make one. */
export function testUser(uid: string, more: Partial<Omit<UserActor, 'kind' | 'uid'>> = {}): UserActor {
  return {
    kind: 'user',
    uid,
    sessionId: `session-${uid}`,
    email: null,
    isEmailVerified: false,
    isAnonymous: false,
    roles: [],
    claims: {},
    amr: ['pwd'],
    assurance: 1,
    provenAt: Date.now(),
    owesFactor: false,
    ...more,
  }
}
