import { afterEach, expect, test, vi } from 'vitest'
import {
  type AuthStorage,
  browserStorage,
  type CookieAttributes,
  cookieStorage,
  memoryStorage,
} from '../src/client.ts'

class Jar {
  readonly cookies = new Map<string, string>()
  readonly attributes: CookieAttributes[] = []
  get(name: string): string | undefined {
    return this.cookies.get(name)
  }
  set(name: string, value: string, attributes: CookieAttributes): void {
    this.attributes.push(attributes)
    if (attributes.maxAge === 0) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}

afterEach(() => vi.unstubAllGlobals())

function localStorageOf(entries: Map<string, string>, mostCharacters = Infinity): object {
  return {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => {
      if (value.length > mostCharacters) throw new Error('QuotaExceededError')
      entries.set(key, value)
    },
    removeItem: (key: string) => entries.delete(key),
  }
}

async function keeps(storage: AuthStorage): Promise<void> {
  expect(await storage.get('a')).toBeNull()
  await storage.set('a', '{"name":"Ada; €=%"}')
  await storage.set('b', 'other')
  expect(await storage.get('a')).toBe('{"name":"Ada; €=%"}')
  await storage.set('a', 'new')
  expect(await storage.get('a')).toBe('new')
  await storage.remove('a')
  expect(await storage.get('a')).toBeNull()
  expect(await storage.get('b')).toBe('other')
}

test('memory keeps', () => keeps(memoryStorage()))

test('localStorage keeps', async () => {
  const entries = new Map<string, string>()
  vi.stubGlobal('localStorage', localStorageOf(entries))
  await keeps(browserStorage())
  expect([...entries]).toEqual([['b', 'other']])
})

test('where localStorage is forbidden the page’s memory keeps', async () => {
  vi.stubGlobal('localStorage', undefined)
  await keeps(browserStorage())
})

test('what is too long for localStorage leaves no older entry behind', async () => {
  const entries = new Map<string, string>()
  vi.stubGlobal('localStorage', localStorageOf(entries, 10))
  const storage = browserStorage()
  await storage.set('a', 'old')
  await storage.set('a', 'much too long')
  expect(await storage.get('a')).toBe('much too long')
  expect(entries.size).toBe(0)
  await storage.set('a', 'short')
  expect(await browserStorage().get('a')).toBe('short')
})

test('cookies keep, for HTTPS and the own site only', async () => {
  const jar = new Jar()
  await keeps(cookieStorage(jar))
  expect(jar.attributes[0]).toEqual({ path: '/', sameSite: 'lax', secure: true, maxAge: 400 * 86_400 })
})

test('a session longer than one cookie is spread over several, and none stays over', async () => {
  const jar = new Jar()
  const storage = cookieStorage(jar)
  const long = 'é'.repeat(2_000)
  await storage.set('a', long)
  expect(await storage.get('a')).toBe(long)
  expect(jar.cookies.size).toBe(4)
  expect(Math.max(...[...jar.cookies.values()].map(({ length }) => length))).toBeLessThan(4_000)
  await storage.set('a', 'short')
  expect(await storage.get('a')).toBe('short')
  await storage.remove('a')
  expect(jar.cookies.size).toBe(0)
})

test('what no browser would keep is refused whole', () => {
  const jar = new Jar()
  expect(() => cookieStorage(jar).set('a', 'x'.repeat(40_000))).toThrow(RangeError)
  expect(jar.cookies.size).toBe(0)
})

test('cookies of somebody’s making are no session', async () => {
  const jar = new Jar()
  jar.cookies.set('a.0', '%E0%A4%A')
  expect(await cookieStorage(jar).get('a')).toBeNull()
})
