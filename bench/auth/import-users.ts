import { hashPassword } from '../../src/platform/passwords.ts'
import { call } from '../call.ts'
import type { ArticlesServer } from '../documents/start-articles.ts'
import { rawRequest } from '../raw-request.ts'

export interface Users {
  /** Of all of them, and made by the server's own code: so its parameters are the server's. */
  readonly password: string
  readonly passwordHash: string
  /** Requests that sign in, one for each user. */
  readonly signIns: readonly string[]
  /** Access tokens of some of them. */
  readonly tokens: readonly string[]
}

const count = 500
const signedIn = 50
const password = 'only for the bench'

/** Users that can sign in, and some who did. */
export async function importUsers({ url, project }: ArticlesServer): Promise<Users> {
  const passwordHash = await hashPassword(password)
  const base = `/v1/projects/${project.ref}`
  const emails = Array.from({ length: count }, (_, number) => `user-${number}@example.com`)
  const lines = emails.map((email) =>
    JSON.stringify({ email, isEmailVerified: true, passwordHash: { kind: 'argon2', hash: passwordHash } }),
  )
  await call(`${url}${base}/users/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${project.secret}`, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  const headers = { 'x-api-key': project.publishable }
  const path = `${base}/auth/sign-in`
  const tokens: string[] = []
  for (const email of emails.slice(0, signedIn)) {
    const body = { email, password }
    const { accessToken } = await call<{ accessToken: string }>(url + path, { method: 'POST', headers, body })
    tokens.push(accessToken)
  }
  const signIns = emails.map((email) =>
    rawRequest({ method: 'POST', path, headers, body: { email, password } }),
  )
  return { password, passwordHash, signIns, tokens }
}
