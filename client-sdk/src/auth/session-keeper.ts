import { BasaltError } from '../basalt-error.ts'
import type { Transport } from '../transport.ts'
import type { AuthStorage } from './auth-storage.ts'
import { browser } from './browser.ts'
import { type KeptSession, keepSession, parseSession, type Session, type User } from './session.ts'
import { withSessionLock } from './session-lock.ts'

/**
 * Whether somebody is signed in:
 *
 *                             ┌────────────── sign in ──────────────┐
 *   loading ──── nothing ──► signedOut ── sign in ──► factorRequired ── verifyFactor ──► signedIn
 *      │                      ▲  ▲                         │                                │  ▲
 *      │                      │  └──────── sign out ───────┘                                │  └ refresh
 *      │                      └──────────── sign out, here or in another tab; ──────────────┘
 *      └── kept session ──►                 refresh refused
 *          (signedIn, or factorRequired; without a request, so offline too)
 *
 * Refreshing is no state: who is signed in stays so meanwhile, and an app has nothing else to show.
 */
export type AuthState<Profile> =
  | { readonly status: 'loading' }
  | { readonly status: 'signedOut' }
  | { readonly status: 'factorRequired'; readonly user: User<Profile> }
  | { readonly status: 'signedIn'; readonly user: User<Profile> }

type Listener<Profile> = (state: AuthState<Profile>) => void

/** Holds the session of this device: kept in the storage, shared with other tabs, refreshed when it is due. */
export class SessionKeeper<Profile> {
  readonly #transport: Transport
  readonly #storage: AuthStorage
  readonly #key: string
  readonly #channel: BroadcastChannel | null
  readonly #listeners = new Set<Listener<Profile>>()
  #session: KeptSession<Profile> | null = null
  #state: AuthState<Profile> = { status: 'loading' }
  #loading: Promise<unknown> | undefined
  #refreshing: Promise<KeptSession<Profile> | null> | undefined

  /** The transport speaks for nobody: a refresh token is proof enough. */
  constructor(transport: Transport, storage: AuthStorage, key: string) {
    this.#transport = transport
    this.#storage = storage
    this.#key = key
    this.#channel = openChannel(storage, key)
    const reload = (): void => void this.#reload().catch(ignore)
    // The message only says that something changed: tokens don't travel.
    this.#channel?.addEventListener('message', reload)
    // It may be here before what was written is, which Chromium brings from process to process at its leisure.
    if (storage.isShared === true) browser.addEventListener?.('storage', reload)
  }

  get state(): AuthState<Profile> {
    return this.#state
  }

  /** The session as it is kept, due or not. */
  async kept(): Promise<KeptSession<Profile> | null> {
    this.#loading ??= this.#reload()
    try {
      await this.#loading
    } catch (error) {
      this.#loading = undefined
      throw error
    }
    return this.#session
  }

  /** The session with an access token that is good for a while. Throws if it is due and can't be refreshed now. */
  async session(): Promise<Session<Profile> | null> {
    const kept = await this.kept()
    return kept !== null && Date.now() >= kept.refreshAt ? this.#refresh(kept) : kept
  }

  /** What the transport asks: a token that the server refused is exchanged whatever the clock says. */
  async accessToken(refused?: string): Promise<string | null> {
    const kept = await this.kept()
    const isRefused = kept !== null && kept.accessToken === refused
    const session = isRefused ? await this.#refresh(kept) : await this.session()
    return session?.accessToken ?? null
  }

  /** Signs in, or out (null). */
  async replace(session: Session<Profile> | null): Promise<void> {
    await this.kept()
    await this.#write(session === null ? null : keepSession(session))
  }

  /** After a change of the user who is signed in. */
  async replaceUser(user: User<Profile>): Promise<void> {
    const kept = await this.kept()
    if (kept?.user.id === user.id) await this.#write({ ...kept, user })
  }

  /** Calls with the present state, and with every new one until the returned function is called. */
  subscribe(listener: Listener<Profile>): () => void {
    const own: Listener<Profile> = (state) => listener(state)
    this.#listeners.add(own)
    own(this.#state)
    this.kept().catch(ignore)
    return () => void this.#listeners.delete(own)
  }

  #refresh(due: KeptSession<Profile>): Promise<KeptSession<Profile> | null> {
    this.#refreshing ??= withSessionLock(this.#storage, this.#key, () => this.#exchange(due)).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  /** Inside the lock: another tab may have refreshed, or signed out, while this one waited for it. */
  async #exchange(due: KeptSession<Profile>): Promise<KeptSession<Profile> | null> {
    const stored = await this.#reload()
    if (stored?.refreshToken !== due.refreshToken) return stored
    const answer = await this.#askForTokens(due.refreshToken)
    // Whoever signed out or in during the request has the last word.
    const now = await this.#reload()
    if (now?.refreshToken !== due.refreshToken) return now
    return this.#write(answer === null ? null : keepSession(answer))
  }

  /** Null if the session has ended; throws what may pass, which signs nobody out. */
  async #askForTokens(refreshToken: string): Promise<Session<Profile> | null> {
    try {
      return await this.#transport.json({ method: 'POST', path: '/auth/token', body: { refreshToken } })
    } catch (error) {
      if (error instanceof BasaltError && error.status === 401) return null
      throw error
    }
  }

  async #reload(): Promise<KeptSession<Profile> | null> {
    return this.#adopt(parseSession(await this.#storage.get(this.#key)))
  }

  async #write(session: KeptSession<Profile> | null): Promise<KeptSession<Profile> | null> {
    if (session === null) await this.#storage.remove(this.#key)
    else await this.#storage.set(this.#key, JSON.stringify(session))
    this.#channel?.postMessage('changed')
    return this.#adopt(session)
  }

  #adopt(session: KeptSession<Profile> | null): KeptSession<Profile> | null {
    this.#session = session
    const state = stateOf(session)
    if (JSON.stringify(state) !== JSON.stringify(this.#state)) {
      this.#state = state
      for (const listener of this.#listeners) listener(state)
    }
    return session
  }
}

function stateOf<Profile>(session: KeptSession<Profile> | null): AuthState<Profile> {
  if (session === null) return { status: 'signedOut' }
  return { status: session.factorRequired ? 'factorRequired' : 'signedIn', user: session.user }
}

/** A storage that fails says so to the next call that needs it. */
function ignore(): void {}

function openChannel({ isShared }: AuthStorage, key: string): BroadcastChannel | null {
  return isShared === true && typeof BroadcastChannel === 'function' ? new BroadcastChannel(key) : null
}
