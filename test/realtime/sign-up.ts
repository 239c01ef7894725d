import type { TestProject } from '../support/server.ts'

export interface SignedUp {
  uid: string
  token: string
  refreshToken: string
}

/** A new user of the project, signed in. */
export async function signUp(project: TestProject, email: string): Promise<SignedUp> {
  const { status, body } = await project.call('POST', '/auth/sign-up', {
    as: project.publishable,
    body: { email, password: 'correct horse battery' },
  })
  if (status >= 300) throw new Error(JSON.stringify(body))
  return { uid: body.user.id, token: body.accessToken, refreshToken: body.refreshToken }
}
