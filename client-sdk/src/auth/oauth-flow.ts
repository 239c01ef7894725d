import { BasaltError } from '../basalt-error.ts'
import type { Transport } from '../transport.ts'
import type { AuthStorage } from './auth-storage.ts'
import { browser, isPage } from './browser.ts'
import { makePkce } from './oauth-redirect.ts'

/** What was begun before the browser left for a provider. */
export interface BegunOAuth {
  readonly codeVerifier: string
  readonly provider: string
  readonly intent: 'sign-in' | 'link'
}

/** Leaves for a provider, and remembers in the storage what for. */
export class OAuthFlow {
  readonly #open: Transport
  readonly #storage: AuthStorage
  readonly #key: string

  constructor(open: Transport, storage: AuthStorage, key: string) {
    this.#open = open
    this.#storage = storage
    this.#key = key
  }

  async begin(
    provider: string,
    intent: BegunOAuth['intent'],
    { redirectTo = currentPage() }: { readonly redirectTo?: string | undefined },
  ): Promise<{ readonly url: string }> {
    if (redirectTo === undefined)
      throw new TypeError('Outside of a browser, say where to come back to: redirectTo')
    const { codeVerifier, codeChallenge } = await makePkce()
    const path = `/auth/sign-in/oauth/${encodeURIComponent(provider)}`
    const body = { redirectTo, codeChallenge }
    const { url } = await this.#open.json<{ url: string }>({ method: 'POST', path, body, once: true })
    const begun: BegunOAuth = { codeVerifier, provider, intent }
    await this.#storage.set(this.#key, JSON.stringify(begun))
    if (isPage()) browser.location?.assign(url)
    return { url }
  }

  /** What comes back was begun here, once; null if it wasn't. */
  async takeBegun(): Promise<BegunOAuth | null> {
    const text = await this.#storage.get(this.#key)
    await this.#storage.remove(this.#key)
    try {
      return text === null ? null : JSON.parse(text)
    } catch {
      return null
    }
  }
}

export function begunElsewhere(): BasaltError {
  return new BasaltError('code_invalid', 'This sign-in was begun somewhere else.')
}

function currentPage(): string | undefined {
  const { location } = browser
  return isPage() && location !== undefined ? location.origin + location.pathname : undefined
}
