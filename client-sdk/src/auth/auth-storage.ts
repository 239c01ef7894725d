import { browser, isPage } from './browser.ts'

type Awaitable<T> = T | Promise<T>

/** Where a session outlives the page or the app. React Native's AsyncStorage and keychains fit with three lines. */
export interface AuthStorage {
  get(key: string): Awaitable<string | null>
  set(key: string, value: string): Awaitable<void>
  remove(key: string): Awaitable<void>
  /** Whether other tabs or workers see the same entries: then refreshing is agreed with them. */
  readonly isShared?: boolean
}

/** Forgets with the process. */
export function memoryStorage(): AuthStorage {
  const entries = new Map<string, string>()
  return {
    get: (key) => entries.get(key) ?? null,
    set: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
  }
}

/** `localStorage`. Where the browser forbids it (blocked cookies), or it is full: the page's memory. */
export function browserStorage(): AuthStorage {
  const memory = memoryStorage()
  const remove = (key: string): void => attempt(() => browser.localStorage?.removeItem(key), undefined)
  return {
    isShared: true,
    get: async (key) =>
      (await memory.get(key)) ?? attempt(() => browser.localStorage?.getItem(key) ?? null, null),
    async set(key, value) {
      try {
        if (browser.localStorage === undefined) throw new TypeError('There is no localStorage')
        browser.localStorage.setItem(key, value)
        await memory.remove(key)
      } catch {
        remove(key)
        await memory.set(key, value)
      }
    },
    async remove(key) {
      remove(key)
      await memory.remove(key)
    },
  }
}

function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch {
    return otherwise
  }
}

export interface CookieAttributes {
  readonly path: '/'
  readonly sameSite: 'lax'
  readonly secure: boolean
  /** Seconds; 0 removes the cookie. */
  readonly maxAge: number
}

/** The cookies of the request that a server renders for, in the framework's own hands. */
export interface CookieJar {
  /** The value as it was set; undefined if there is no such cookie. */
  get(name: string): string | undefined
  set(name: string, value: string, attributes: CookieAttributes): void
}

// Browsers drop cookies of more than 4,096 bytes, name and attributes included.
const longestCookie = 3_500
const mostCookies = 10
// Browsers keep none longer (RFC 6265bis, section 5.5).
const maxAge = 400 * 86_400

/**
 * Cookies, so that a server that renders pages knows the user. The page reads them too, so they can't be HttpOnly:
 * they are as safe from foreign scripts as `localStorage` is.
 */
export function cookieStorage(
  jar: CookieJar = documentCookies,
  { secure = browser.location?.protocol !== 'http:' }: { readonly secure?: boolean } = {},
): AuthStorage {
  const attributes = { path: '/', sameSite: 'lax', secure } as const
  const write = (key: string, value: string): void => {
    const encoded = encodeURIComponent(value)
    if (encoded.length > longestCookie * mostCookies)
      throw new RangeError('The session is too long for cookies')
    for (let part = 0; part < mostCookies; part++) {
      const text = encoded.slice(part * longestCookie, (part + 1) * longestCookie)
      const name = `${key}.${part}`
      if (text !== '') jar.set(name, text, { ...attributes, maxAge })
      else if (jar.get(name) !== undefined) jar.set(name, '', { ...attributes, maxAge: 0 })
    }
  }
  return {
    // A server's requests have a jar each.
    isShared: jar === documentCookies,
    get: (key) => readParts(jar, key),
    set: write,
    remove: (key) => write(key, ''),
  }
}

function readParts(jar: CookieJar, key: string): string | null {
  const parts = Array.from({ length: mostCookies }, (_, part) => jar.get(`${key}.${part}`) ?? '')
  try {
    return decodeURIComponent(parts.join('')) || null
  } catch {
    return null
  }
}

const documentCookies: CookieJar = {
  get: (name) =>
    browser.document?.cookie
      .split('; ')
      .find((cookie) => cookie.startsWith(`${name}=`))
      ?.slice(name.length + 1),
  set: (name, value, { path, sameSite, secure, maxAge: seconds }) => {
    if (browser.document === undefined) throw new TypeError('Outside of a page, say where the cookies are')
    const attributes = `Path=${path}; SameSite=${sameSite}; Max-Age=${seconds}${secure ? '; Secure' : ''}`
    browser.document.cookie = `${name}=${value}; ${attributes}`
  },
}

/** What a client keeps sessions in unless told: a page remembers, everything else forgets. */
export function defaultStorage(): AuthStorage {
  return isPage() ? browserStorage() : memoryStorage()
}
