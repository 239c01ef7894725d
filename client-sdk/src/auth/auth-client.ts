import { BasaltError } from '../basalt-error.ts'
import type { ApiRequest, Transport } from '../transport.ts'
import type { AuthStorage } from './auth-storage.ts'
import type { AccountExport } from './account-export.ts'
import { browser } from './browser.ts'
import { FactorsClient } from './factors.ts'
import { IdentitiesClient, type IdToken } from './identities.ts'
import { keepUser } from './keep-user.ts'
import { begunElsewhere, OAuthFlow } from './oauth-flow.ts'
import { readRedirect, redirectError } from './oauth-redirect.ts'
import { type RequestOptionsJson, usePasskey } from './passkey-ceremonies.ts'
import { PasskeysClient } from './passkeys.ts'
import type { Session, UntypedProfile, User } from './session.ts'
import type { AuthState, SessionKeeper } from './session-keeper.ts'

/** The answer of a captcha, where the project asks for one. */
interface Captcha {
  readonly captchaToken?: string
}

export interface Credentials {
  readonly email: string
  readonly password: string
}

/** Where a code goes. */
export type Recipient =
  | { readonly email: string; readonly phone?: never }
  | { readonly phone: string; readonly email?: never }

/** The token of a link, or what the user typed. */
export type EmailProof = { readonly token: string } | { readonly email: string; readonly code: string }

/** Null: the address has to be verified first, with the code that was sent to it. */
export type SignUpResult<Profile> = Session<Profile> | null

export interface UserChange {
  /** Merged into the present profile (RFC 7396): null removes. */
  readonly profile?: UntypedProfile
  readonly password?: string
  readonly currentPassword?: string
  /** Changes once the code that is sent there is shown. */
  readonly email?: string
}

/** A device that is signed in as the user. */
export interface SignedInDevice {
  readonly id: string
  readonly isCurrent: boolean
  readonly deviceName: string | null
  readonly userAgent: string | null
  readonly ip: string | null
  readonly amr: readonly string[]
  readonly createdAt: string
  readonly lastUsedAt: string
}

/** A code of the app, a recovery code, or a passkey that the browser asks for. */
export type FactorProof = string | { readonly passkey: true }

interface AuthParts<Profile> {
  /** Speaks for nobody. */
  readonly open: Transport
  /** Speaks for the user who is signed in. */
  readonly asUser: Transport
  readonly keeper: SessionKeeper<Profile>
  readonly storage: AuthStorage
  /** Of what is kept in the storage between leaving for a provider and coming back. */
  readonly redirectKey: string
}

/**
 * Signing users in, keeping them signed in, and their accounts. Every way in ends with the session kept, so that
 * all calls of the client are the user's from then on.
 */
export class AuthClient<Profile = UntypedProfile> {
  readonly #parts: AuthParts<Profile>
  readonly #flow: OAuthFlow
  readonly factors: FactorsClient<Profile>
  readonly passkeys: PasskeysClient<Profile>
  readonly identities: IdentitiesClient<Profile>

  /** @internal */
  constructor(parts: AuthParts<Profile>) {
    this.#parts = parts
    const { open, asUser, keeper, storage, redirectKey } = parts
    this.#flow = new OAuthFlow(open, storage, redirectKey)
    this.factors = new FactorsClient(asUser, keeper)
    this.passkeys = new PasskeysClient(asUser, keeper)
    this.identities = new IdentitiesClient(asUser, keeper, this.#flow)
  }

  /** Makes an account. Fails with `already_exists` on a taken address, unless addresses are to be verified. */
  signUp(input: Credentials & Captcha & { readonly profile?: Profile }): Promise<SignUpResult<Profile>> {
    return this.#maybeSignIn(this.#parts.open, post('/sign-up', input))
  }

  /** Fails with `unauthenticated`, which doesn't say whether the address or the password was wrong. */
  signInWithPassword(input: Credentials): Promise<Session<Profile>> {
    return this.#signIn(this.#parts.open, post('/sign-in', input))
  }

  /** Has a code sent by mail or SMS, for `verifyOtp`. */
  signInWithOtp(input: Recipient & Captcha): Promise<void> {
    return this.#parts.open.empty(post('/sign-in/otp', input))
  }

  /** Ends what `signInWithOtp` began. An anonymous user keeps their id. Fails with `code_invalid`. */
  async verifyOtp(input: EmailProof | (Recipient & { readonly code: string })): Promise<Session<Profile>> {
    return this.#signIn(await this.#forAnonymous(), post('/verify', input))
  }

  /**
   * Has a link sent that leads to `redirectTo`, where `handleRedirect` ends it; without, to the project's own page
   * for links, which hands the `token` of its query to `verifyOtp`.
   */
  signInWithMagicLink(
    input: { readonly email: string; readonly redirectTo?: string } & Captcha,
  ): Promise<void> {
    return this.#parts.open.empty(post('/sign-in/magic-link', input))
  }

  /**
   * Sends the browser to a provider (`google`, `github` …); `handleRedirect` ends it on the page that it comes back
   * to. Elsewhere than in a browser, open the returned address and give `handleRedirect` the one that comes back.
   */
  signInWithOAuth(
    provider: string,
    /** One of the project's redirect addresses, to the letter. Default: this page, without query and fragment. */
    options: { readonly redirectTo?: string | undefined } = {},
  ): Promise<{ readonly url: string }> {
    return this.#flow.begin(provider, 'sign-in', options)
  }

  /**
   * Signs in with what a provider, or a link in a mail, brought back to this page, and takes it out of the address.
   * Or links the account, if `identities.link` has led there; the session is then the one that was. Null if the address
   * brings nothing. Fails with what the provider said: `access_denied`, `provider_failed`.
   */
  async handleRedirect(address = browser.location?.href ?? ''): Promise<Session<Profile> | null> {
    const answer = readRedirect(address)
    if (answer === null) return null
    forgetFragment(address)
    if (answer.kind === 'token') return this.verifyOtp({ token: answer.token })

    const begun = await this.#flow.takeBegun()
    if (answer.kind === 'error') throw redirectError(answer.error)
    if (begun === null) throw begunElsewhere()
    const { provider, intent, codeVerifier } = begun
    const body = { code: answer.code, codeVerifier }
    if (intent === 'sign-in') {
      return this.#signIn(await this.#forAnonymous(), post('/sign-in/oauth/exchange', body))
    }
    await this.identities.finishLink(provider, body)
    return this.getSession()
  }

  /** With an id token that a native app got from a provider. An anonymous user keeps their id. */
  async signInWithIdToken(input: IdToken): Promise<Session<Profile>> {
    return this.#signIn(await this.#forAnonymous(), post('/sign-in/id-token', input))
  }

  /** Asks the browser for a passkey. Throws its `NotAllowedError` if the user declines. */
  async signInWithPasskey(): Promise<Session<Profile>> {
    const { open } = this.#parts
    const begun = await open.json<{ options: RequestOptionsJson }>(post('/passkeys/authentication/options'))
    const response = await usePasskey(begun.options)
    return this.#signIn(open, post('/passkeys/authentication/verify', { response }))
  }

  /** Becomes a user without a name, who can be given one later: `upgrade`, or any other way of signing in. */
  signInAnonymously(input: Captcha = {}): Promise<Session<Profile>> {
    return this.#signIn(this.#parts.open, post('/sign-in/anonymous', input))
  }

  /** Gives an anonymous account e-mail and password. It keeps its id and data. */
  upgrade(input: Credentials): Promise<SignUpResult<Profile>> {
    return this.#maybeSignIn(this.#parts.asUser, post('/me/upgrade', input))
  }

  /** Shows the second factor that the sign-in asks for. Fails with `code_invalid`. */
  async verifyFactor(proof: FactorProof): Promise<Session<Profile>> {
    const body = typeof proof === 'string' ? { code: proof } : await this.#ownPasskey()
    return this.#signIn(this.#parts.asUser, post('/factors/verify', body))
  }

  /** Proves again who is there, when a call failed with `step_up_required`. */
  async stepUp(
    proof: { readonly password: string } | { readonly code: string } | { readonly passkey: true },
  ): Promise<Session<Profile>> {
    const body = 'passkey' in proof ? await this.#ownPasskey() : proof
    return this.#signIn(this.#parts.asUser, post('/step-up', body))
  }

  /** Has a code for a new password sent. The answer is the same whether there is such an account or not. */
  resetPassword(input: { readonly email: string } & Captcha): Promise<void> {
    return this.#parts.open.empty(post('/password/reset', input))
  }

  /** Sets the new password. All sessions end. Fails with `code_invalid`. */
  confirmPassword(input: EmailProof & { readonly password: string }): Promise<void> {
    return this.#parts.open.empty(post('/password/confirm', input))
  }

  /** Shows the code that a new address got. Fails with `code_invalid`. */
  verifyEmail(input: EmailProof): Promise<void> {
    return this.#parts.open.empty(post('/email/verify', input))
  }

  /** Has that code sent once more. The answer is the same whether there is such an account or not. */
  resendVerification(input: { readonly email: string } & Captcha): Promise<void> {
    return this.#parts.open.empty(post('/email/resend', input))
  }

  /** The user, as the server knows them now. */
  getUser(): Promise<User<Profile>> {
    return keepUser(this.#parts.asUser, this.#parts.keeper)
  }

  updateUser(change: UserChange): Promise<User<Profile>> {
    const request = { method: 'PATCH', path: '/auth/me', body: change, once: true } as const
    return keepUser(this.#parts.asUser, this.#parts.keeper, request)
  }

  /** All that the server knows of the account. */
  exportUser(): Promise<AccountExport<Profile>> {
    return this.#parts.asUser.json({ method: 'GET', path: '/auth/me/export' })
  }

  /** Deletes the account for good, on the password or a fresh proof (`stepUp`), and signs out. */
  async deleteUser(proof: { readonly password?: string } = {}): Promise<void> {
    await this.#parts.asUser.empty({ method: 'DELETE', path: '/auth/me', body: proof, once: true })
    await this.#parts.keeper.replace(null)
  }

  /**
   * Signs out here, everywhere else, or everywhere. Here it always works: without a connection the session is
   * forgotten, and ends on the server when its time is over.
   */
  async signOut({ scope = 'this' }: { readonly scope?: 'this' | 'others' | 'all' } = {}): Promise<void> {
    const { asUser, open, keeper } = this.#parts
    if (scope !== 'this') {
      await asUser.empty(post('/sign-out', { scope }))
      return scope === 'all' ? keeper.replace(null) : undefined
    }
    const session = await keeper.kept()
    await keeper.replace(null)
    if (session !== null) await endOnServer(open, session.accessToken)
  }

  /** The devices that are signed in as the user. */
  async sessions(): Promise<readonly SignedInDevice[]> {
    const { sessions } = await this.#parts.asUser.json<{ sessions: SignedInDevice[] }>({
      method: 'GET',
      path: '/auth/sessions',
    })
    return sessions
  }

  /** Signs one device out. */
  endSession(id: string): Promise<void> {
    return this.#parts.asUser.empty({ method: 'DELETE', path: `/auth/sessions/${encodeURIComponent(id)}` })
  }

  /** The session with a fresh access token; null if nobody is signed in. */
  getSession(): Promise<Session<Profile> | null> {
    return this.#parts.keeper.session()
  }

  /** Whether somebody is signed in, as far as is known: `loading` until the storage has been read. */
  get state(): AuthState<Profile> {
    return this.#parts.keeper.state
  }

  /** Calls at once and at every change, in other tabs too, until the returned function is called. */
  onAuthStateChange(callback: (state: AuthState<Profile>) => void): () => void {
    return this.#parts.keeper.subscribe(callback)
  }

  async #signIn(transport: Transport, request: ApiRequest): Promise<Session<Profile>> {
    const session = await transport.json<Session<Profile>>(request)
    await this.#parts.keeper.replace(session)
    return session
  }

  async #maybeSignIn(transport: Transport, request: ApiRequest): Promise<SignUpResult<Profile>> {
    const answer = await transport.json<Session<Profile> | { verificationRequired: true }>(request)
    if ('verificationRequired' in answer) return null
    await this.#parts.keeper.replace(answer)
    return answer
  }

  async #ownPasskey(): Promise<{ passkey: object }> {
    const begin = post('/factors/passkey/options')
    const { options } = await this.#parts.asUser.json<{ options: RequestOptionsJson }>(begin)
    return { passkey: await usePasskey(options) }
  }

  /** An anonymous user who shows who they are gives the account a name; anybody else just signs in. */
  async #forAnonymous(): Promise<Transport> {
    const kept = await this.#parts.keeper.kept()
    return kept?.user.isAnonymous === true ? this.#parts.asUser : this.#parts.open
  }
}

/** All of these use something up, a code or one of few tries: sent again only if they certainly did not begin. */
function post(path: string, body?: object): ApiRequest {
  return { method: 'POST', path: `/auth${path}`, body, once: true }
}

async function endOnServer(open: Transport, accessToken: string): Promise<void> {
  try {
    const headers = { authorization: `Bearer ${accessToken}` }
    await open.empty({ ...post('/sign-out', { scope: 'this' }), headers })
  } catch (error) {
    if (!(error instanceof BasaltError)) throw error
  }
}

/** Nothing of it may be left to the browser's history, or to a reload. */
function forgetFragment(address: string): void {
  const { location, history } = browser
  if (location?.href === address) history?.replaceState(history.state, '', address.replace(/#.*/, ''))
}
