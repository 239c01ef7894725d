import { randomBytes } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import type { Database } from '../../src/platform/database.ts'
import type { CallResult, TestServer } from '../support/server.ts'

/** A user of a project with one of everything that users own, all of it easy to recognise. */
export interface Person {
  id: string
  email: string
  /** Of a session that has just shown a second factor. */
  token: string
  /** Of another one, which owes it. */
  refreshToken: string
  otherSessionId: string
  factorId: string
  passkeyId: string
  identityId: string
  recoveryCodes: string[]
  /** What nobody else may be told, except what they said themselves. */
  secrets: string[]
  /** What not even the user is told. */
  hidden: string[]
}

export interface Place {
  ref: string
  publishable: string
  secret: string
}

export const personsPassword = 'a rather long phrase'

export const mark = (what: string): string => `${what}${randomBytes(6).toString('hex')}`

export const redirectTo = 'https://app.example.com/signed-in'

/** Every way in is open, by settings whose secrets are easy to recognise; answers with those. */
export async function openEveryWayIn(server: TestServer, { ref, secret }: Place): Promise<string[]> {
  const secrets = {
    github: mark('client-secret'),
    smtpPassword: mark('smtp-password'),
    smsToken: mark('sms'),
  }
  const { github, ...others } = secrets
  await done(
    server.call('PATCH', `/v1/projects/${ref}/auth/settings`, {
      as: secret,
      body: {
        settings: {
          redirectUrls: [redirectTo],
          passkeys: { enabled: true, rpId: 'example.com', origins: ['https://app.example.com'] },
          smsSender: { kind: 'webhook', url: 'https://sms.invalid/send' },
          providers: { github: { enabled: true, clientId: 'app' } },
        },
        secrets: { providers: { github }, ...others },
      },
    }),
  )
  return Object.values(secrets)
}

export async function seedPerson(server: TestServer, { ref, publishable }: Place): Promise<Person> {
  const { db } = server.services
  const email = `${mark('person')}@example.com`
  const call = (method: string, path: string, as: string, body?: object): Promise<CallResult> =>
    done(server.call(method, `/v1/projects/${ref}/auth${path}`, { as, body }))
  const names = { profile: mark('profile'), factor: mark('factor'), passkey: mark('passkey') }
  const foreign = { subject: mark('subject'), address: `${mark('elsewhere')}@example.com` }
  const credential = { id: mark('credential'), key: randomBytes(32) }

  const { body: signedUp } = await call('POST', '/sign-up', publishable, {
    email,
    password: personsPassword,
    profile: { nick: names.profile },
  })
  const { id } = signedUp.user
  const { body: other } = await call('POST', '/sign-in', publishable, { email, password: personsPassword })
  const { body: app } = await call('POST', '/factors/totp', signedUp.accessToken, { name: names.factor })
  const code = new TOTP({ secret: Secret.fromBase32(app.secret) }).generate()
  const confirm = `/factors/${app.id}/confirm`
  const { body: confirmed } = await call('POST', confirm, signedUp.accessToken, { code })

  const passkeyId = mark('pk')
  const identityId = mark('id')
  await db.query(
    `INSERT INTO basalt.passkeys
       (id, project_id, user_id, credential_id, public_key, counter, transports, name)
     SELECT $1, project_id, id, $2, $3, 0, '{}', $4
     FROM basalt.users
     WHERE id = $5`,
    [passkeyId, credential.id, credential.key, names.passkey, id],
  )
  await db.query(
    `INSERT INTO basalt.user_identities (id, project_id, user_id, provider, subject, email)
     SELECT $1, project_id, id, 'github', $2, $3
     FROM basalt.users
     WHERE id = $4`,
    [identityId, foreign.subject, foreign.address, id],
  )
  const { rows } = await db.query<{ hash: string; sealed: string }>(
    `SELECT u.password_hash AS hash, f.secret AS sealed
     FROM basalt.users AS u
     JOIN basalt.factors AS f ON f.user_id = u.id AND f.id = $2
     WHERE u.id = $1`,
    [id, app.id],
  )
  await untilTold(db, email)
  // Guesses at a code are counted, and so change what is the user's: test/auth has the proofs of that.
  await db.query('DELETE FROM basalt.one_time_codes WHERE user_id = $1', [id])
  const hidden = [...rows.flatMap(({ hash, sealed }) => [hash, sealed]), app.secret]
  const { sid: otherSessionId } = JSON.parse(atob(other.accessToken.split('.')[1]))
  const { recoveryCodes, session } = confirmed
  return {
    id,
    email,
    token: session.accessToken,
    refreshToken: other.refreshToken,
    otherSessionId,
    factorId: app.id,
    passkeyId,
    identityId,
    recoveryCodes,
    secrets: [
      id,
      email,
      session.accessToken,
      session.refreshToken,
      other.refreshToken,
      otherSessionId,
      app.id,
      passkeyId,
      identityId,
      ...recoveryCodes,
      ...Object.values(names),
      ...Object.values(foreign),
      credential.id,
      ...hidden,
    ],
    hidden: [
      ...hidden,
      ...(['base64', 'base64url', 'hex'] as const).map((encoding) => credential.key.toString(encoding)),
    ],
  }
}

/** Mails are written behind the answers: that of the sign-up, and that of the new factor. */
async function untilTold(db: Database, email: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    const { rows } = await db.query('SELECT FROM basalt.mails WHERE recipient = $1', [email])
    if (rows.length === 2) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the mails to a new user did not come')
}

/** A digest of every row that is the user's. Without what merely notes that it was used. */
export async function readPerson(db: Database, { id }: Person): Promise<string> {
  const { rows } = await db.query<{ state: string }>(
    `SELECT md5(string_agg(content, E'\\n' ORDER BY content)) AS state
     FROM (
       SELECT (to_jsonb(t))::text AS content FROM basalt.users AS t WHERE id = $1
       UNION ALL
       SELECT (to_jsonb(t) - 'last_used_at')::text FROM basalt.user_sessions AS t WHERE user_id = $1
       UNION ALL
       SELECT (to_jsonb(t))::text FROM basalt.user_identities AS t WHERE user_id = $1
       UNION ALL
       SELECT (to_jsonb(t))::text FROM basalt.factors AS t WHERE user_id = $1
       UNION ALL
       SELECT (to_jsonb(t) - 'last_used_at')::text FROM basalt.passkeys AS t WHERE user_id = $1
       UNION ALL
       SELECT (to_jsonb(t))::text FROM basalt.one_time_codes AS t WHERE user_id = $1
     ) AS owned`,
    [id],
  )
  return rows[0]?.state ?? ''
}

async function done(answer: Promise<CallResult>): Promise<CallResult> {
  const { status, headers, body } = await answer
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
  return { status, headers, body }
}
