/**
 * The parts of a browser that signing in uses; all are missing elsewhere. Declared here, so that the client
 * compiles in projects without the types of the DOM: servers, React Native.
 */
interface BrowserGlobals {
  readonly document?: { cookie: string }
  readonly location?: {
    readonly href: string
    readonly origin: string
    readonly pathname: string
    readonly protocol: string
    assign(url: string): void
  }
  readonly history?: {
    readonly state: unknown
    replaceState(state: unknown, unused: string, url: string): void
  }
  readonly localStorage?: {
    getItem(key: string): string | null
    setItem(key: string, value: string): void
    removeItem(key: string): void
  }
  addEventListener?(type: 'storage', listener: () => void): void
  readonly navigator?: {
    readonly credentials?: {
      create(options: { readonly publicKey: object }): Promise<unknown>
      get(options: { readonly publicKey: object }): Promise<unknown>
    }
  }
}

export const browser: BrowserGlobals = globalThis as object

/** Pages only: workers have no storage and no address of their own to come back to, servers neither. */
export function isPage(): boolean {
  return browser.document !== undefined
}
