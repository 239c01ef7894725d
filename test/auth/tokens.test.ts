import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSecretBox } from '../../src/platform/secret-box.ts'
import { startTestServer, type TestProject, type TestServer } from '../support/server.ts'

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

let server: TestServer
let project: TestProject
let other: TestProject
/** The project's own signing key, which an attacker doesn't have: with it each fault stands alone. */
let own: { kid: string; key: PrivateKey; publicJwk: object }
let token: string
let header: JWTHeaderParameters
let payload: Record<string, unknown>

beforeAll(async () => {
  server = await startTestServer()
  project = await server.createProject()
  other = await server.createProject('Other')
  token = await signUp(project)
  await signUp(other)
  ;[header, payload] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  own = await signingKeyOf(project)
})

afterAll(() => server.stop())

async function signUp(to: TestProject): Promise<string> {
  const body = { email: 'ada@example.com', password: 'a rather long phrase' }
  return (await to.call('POST', '/auth/sign-up', { as: to.publishable, body })).body.accessToken
}

async function signingKeyOf({ ref }: TestProject): Promise<typeof own> {
  const { rows } = await server.services.db.query(
    `SELECT key.id, key.project_id, private_jwk, public_jwk
     FROM basalt.signing_keys AS key
     JOIN basalt.projects AS project ON project.id = key.project_id
     WHERE ref = $1`,
    [ref],
  )
  const { id, project_id: context, private_jwk: sealed, public_jwk: publicJwk } = rows[0]
  const jwk = JSON.parse(createSecretBox(server.services.masterKeys, 'auth').open(sealed, context))
  return { kid: id, key: (await importJWK(jwk, 'ES256')) as PrivateKey, publicJwk }
}

const whoIs = async (bearer: string, headers = {}) =>
  (await project.call('GET', '/auth/me', { as: bearer, headers })).status

const sign = (claims: object, protectedHeader: object = {}, key = own.key) =>
  new SignJWT({ ...payload, ...claims }).setProtectedHeader({ ...header, ...protectedHeader }).sign(key)

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')

function signedWith(secret: string, protectedHeader: object): string {
  const body = `${encode({ ...header, ...protectedHeader })}.${encode(payload)}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

const now = () => Math.floor(Date.now() / 1000)

test('the token is good, and so is what the same key signs again', async () => {
  expect(await whoIs(token)).toBe(200)
  expect(await whoIs(await sign({}))).toBe(200)
})

const faults: [string, () => string | Promise<string>][] = [
  ['alg none', () => `${encode({ ...header, alg: 'none' })}.${encode(payload)}.`],
  ['alg None', () => `${encode({ ...header, alg: 'None' })}.${encode(payload)}.`],
  [
    'alg none with the signature of another',
    () => `${encode({ ...header, alg: 'none' })}.${encode(payload)}.${token.split('.')[2]}`,
  ],
  ['HS256 with the public key as JSON', () => signedWith(JSON.stringify(own.publicJwk), { alg: 'HS256' })],
  [
    'HS256 with the public key as PEM',
    async () => {
      const key = await importJWK(own.publicJwk, 'ES256', { extractable: true })
      return signedWith(await exportSPKI(key as PrivateKey), { alg: 'HS256' })
    },
  ],
  ['HS256 with an empty secret', () => signedWith('', { alg: 'HS256' })],
  ['a key id that is not there', () => sign({}, { kid: 'nobody' })],
  ['no key id', () => sign({}, { kid: undefined })],
  ['a key id that is a path', () => sign({}, { kid: '../../../dev/null' })],
  ['a key id that is SQL', () => sign({}, { kid: "' OR 1=1 --" })],
  [
    "another project's key, under this project's id",
    async () => sign({}, {}, (await signingKeyOf(other)).key),
  ],
  [
    "another project's key, under its own id",
    async () => {
      const { kid, key } = await signingKeyOf(other)
      return sign({}, { kid }, key)
    },
  ],
  ['a foreign key under this id', async () => sign({}, {}, (await generateKeyPair('ES256')).privateKey)],
  [
    'a foreign key in the header (jwk)',
    async () => {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
      return sign({}, { jwk: await exportJWK(publicKey) }, privateKey)
    },
  ],
  [
    'a foreign key behind a link (jku, x5u)',
    async () => {
      const { privateKey } = await generateKeyPair('ES256')
      const link = `${server.url}/v1/projects/${other.ref}/auth/.well-known/jwks.json`
      return sign({}, { jku: link, x5u: link }, privateKey)
    },
  ],
  ['another audience', () => sign({ aud: other.ref })],
  ['no audience', () => sign({ aud: undefined })],
  ['another issuer', () => sign({ iss: `http://evil.example/v1/projects/${project.ref}` })],
  ['no issuer', () => sign({ iss: undefined })],
  ['over', () => sign({ iat: now() - 900, exp: now() - 10 })],
  ['no end', () => sign({ exp: undefined })],
  ['an end far away', () => sign({ iat: now() - 3_600, exp: now() + 999_999 })],
  ['from the future', () => sign({ iat: now() + 600, exp: now() + 900 })],
  ['not valid yet', () => sign({ nbf: now() + 600 })],
  ['a session that is not there', () => sign({ sid: 'nobody' })],
  ['a session of somebody else', () => sign({ sub: 'somebody-else' })],
  ['no subject', () => sign({ sub: undefined })],
  ['a subject that is no text', () => sign({ sub: { $ne: null } })],
  ['a session that is no text', () => sign({ sid: { not: null } })],
  ['another type', () => sign({}, { typ: 'at+jwt' })],
  [
    'an unknown critical extension',
    () => `${encode({ ...header, crit: ['exp2'], exp2: 1 })}.${token.split('.').slice(1).join('.')}`,
  ],
  [
    'another payload under the signature',
    () => [encode(header), encode({ ...payload, sub: 'x' }), token.split('.')[2]].join('.'),
  ],
  ['cut short', () => token.slice(0, -4)],
  ['without its signature', () => token.split('.').slice(0, 2).join('.')],
  ['with an empty signature', () => `${token.split('.').slice(0, 2).join('.')}.`],
  ['twice in one header', () => `${token} ${token}`],
  ['twice, with a comma', () => `${token}, ${token}`],
  ['five parts', () => `${token}.a.b`],
  ['very long', () => `${token}${'a'.repeat(9_000)}`],
  ['nothing but dots', () => '..'],
]

test.each(faults)('a token is refused: %s', async (_, make) => {
  expect(await whoIs(await make())).toBe(401)
})

test('the token is still good after all of them, and worth nothing in another project', async () => {
  expect(await whoIs(token)).toBe(200)
  expect((await other.call('GET', '/auth/me', { as: token })).status).toBe(401)
  expect(await whoIs(token, { 'x-api-key': other.publishable })).toBe(401)
})

test('a key that retires still verifies what it has signed; the next one signs', async () => {
  expect((await project.call('POST', '/auth/keys/rotate')).status).toBeLessThan(300)
  expect(await whoIs(token)).toBe(200)
  const body = { email: 'ada@example.com', password: 'a rather long phrase' }
  const next = await project.call('POST', '/auth/sign-in', { as: project.publishable, body })
  const { kid } = JSON.parse(Buffer.from(next.body.accessToken.split('.')[0], 'base64url').toString())
  expect(kid).not.toBe(own.kid)
  expect(await whoIs(next.body.accessToken)).toBe(200)
  const jwks = await project.call('GET', '/auth/.well-known/jwks.json')
  expect(jwks.body.keys.map((key: { kid: string }) => key.kid)).toEqual([kid, own.kid])
  expect(JSON.stringify(jwks.body)).not.toContain('"d"')
})
