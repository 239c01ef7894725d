import { mark, type Person, personsPassword, redirectTo } from './person.ts'

/** What a signed-in user sends to what is for users, so that it is about themselves. */
export interface PersonRequest {
  /** Names in the path. */
  path?: (person: Person) => Record<string, string>
  body?: (person: Person) => unknown
  /** Changes nothing. */
  reads?: true
  /** What is sent says for whom it is: it is the credential, or has a mail sent. Nobody is asked who they are. */
  anybody?: true
  /** Succeeds only with what a mail, a provider, a device or another account brings: its proofs are in test/auth. */
  needsMore?: true
}

const text = 'x'.repeat(43)
const exchange = { code: 'ot_guess', codeVerifier: text }
const credential = { id: text, rawId: text, type: 'public-key', clientExtensionResults: {} }
const email = ({ email: address }: Person) => ({ email: address })
const guess = ({ email: address }: Person) => ({ email: address, code: '000000' })
const atProvider = () => ({ provider: 'github' })
const passkey = ({ passkeyId }: Person) => ({ id: passkeyId })
const factor = ({ factorId }: Person) => ({ id: factorId })

/** By operation id, in an order in which the user can send all of them: what destroys comes last. */
export const personRequests: ReadonlyMap<string, PersonRequest> = new Map<string, PersonRequest>([
  ['getMe', { reads: true }],
  ['exportMe', { reads: true }],
  ['listSessions', { reads: true }],
  ['listIdentities', { reads: true }],
  ['listPasskeys', { reads: true }],
  ['listFactors', { reads: true }],
  ['changeMe', { body: () => ({ profile: { stray: 1 } }) }],
  [
    'signUp',
    { anybody: true, body: () => ({ email: `${mark('new')}@example.com`, password: personsPassword }) },
  ],
  ['signIn', { anybody: true, body: (person) => ({ ...email(person), password: personsPassword }) }],
  ['signInAnonymously', { anybody: true, body: () => ({}) }],
  ['requestSignInCode', { anybody: true, body: email }],
  ['requestMagicLink', { anybody: true, body: (person) => ({ ...email(person), redirectTo }) }],
  ['requestPasswordReset', { anybody: true, body: email }],
  ['resendVerification', { anybody: true, body: email }],
  ['refreshSession', { anybody: true, body: ({ refreshToken }) => ({ refreshToken }) }],
  ['startPasskeySignIn', { anybody: true }],
  ['signInWithOAuth', { anybody: true, path: atProvider, body: () => ({ redirectTo, codeChallenge: text }) }],
  ['signInByCode', { needsMore: true, body: guess }],
  ['verifyEmail', { needsMore: true, body: guess }],
  [
    'confirmPasswordReset',
    { needsMore: true, body: (person) => ({ ...guess(person), password: 'another long phrase' }) },
  ],
  ['exchangeOAuthCode', { needsMore: true, body: () => exchange }],
  ['signInWithIdToken', { needsMore: true, body: () => ({ provider: 'github', idToken: 'guess' }) }],
  ['linkIdentity', { needsMore: true, path: atProvider, body: () => exchange }],
  [
    'signInWithPasskey',
    {
      needsMore: true,
      body: () => ({
        response: {
          ...credential,
          response: { clientDataJSON: text, authenticatorData: text, signature: text },
        },
      }),
    },
  ],
  [
    'addPasskey',
    {
      needsMore: true,
      body: () => ({
        response: { ...credential, response: { clientDataJSON: text, attestationObject: text } },
      }),
    },
  ],
  [
    'upgradeMe',
    { needsMore: true, body: (person) => ({ ...email(person), password: 'another long phrase' }) },
  ],
  ['confirmTotp', { needsMore: true, path: factor, body: () => ({ code: '000000' }) }],
  ['startPasskeyRegistration', {}],
  ['startPasskeyProof', {}],
  ['renamePasskey', { path: passkey, body: () => ({ name: 'Stray' }) }],
  ['verifyFactor', { body: ({ recoveryCodes }) => ({ code: recoveryCodes[0] }) }],
  ['stepUp', { body: ({ recoveryCodes }) => ({ code: recoveryCodes[1] }) }],
  ['enrolTotp', { body: () => ({ name: 'Stray' }) }],
  ['removePasskey', { path: passkey }],
  ['unlinkIdentity', { path: ({ identityId }) => ({ id: identityId }) }],
  ['replaceRecoveryCodes', {}],
  ['removeFactor', { path: factor }],
  ['endSession', { path: ({ otherSessionId }) => ({ id: otherSessionId }) }],
  ['signOut', { body: () => ({ scope: 'others' }) }],
  ['deleteMe', { body: () => ({ password: personsPassword }) }],
])
