import type { TestServer } from '../support/server.ts'
import { testUser } from '../support/test-user.ts'

/**
 * Lets tests call as users before there is sign-in: `as: 'user:ada'` is a user with that id, and `user:ada:editor,vip`
 * has roles too.
 */
export function acceptTestUsers(server: TestServer): void {
  server.app.projects.registerTokenVerifier((token) => {
    const [kind, uid, roles = ''] = token.split(':')
    if (kind !== 'user' || uid === undefined) return null
    return testUser(uid, {
      email: `${uid}@example.com`,
      roles: roles.split(',').filter((role) => role !== ''),
      claims: { level: uid.length },
    })
  })
}
