/** An account at a provider, as far as the provider vouches for it. */
export interface ProviderAccount {
  /** The provider's id of the account: never changes, unlike the address. */
  subject: string
  email: string | null
  /** The provider says that its owner proved the address. */
  isEmailVerified: boolean
  name: string | null
  avatarUrl: string | null
}

/** JSON from a provider: nothing in it is of the type that its documentation says until it was looked at. */
export type ProviderJson = Readonly<Record<string, unknown>>

/** Null unless it is text that can be stored and isn't longer than anybody needs. */
export function readText(value: unknown, maxLength = 200): string | null {
  if (typeof value !== 'string' || value === '' || value.length > maxLength) return null
  return /[\p{Cc}\p{Cs}]/u.test(value) ? null : value
}

export function readEmail(value: unknown): string | null {
  const text = readText(value, 254)
  return text !== null && /^[^\s@]+@[^\s@]+$/.test(text) ? text : null
}

/** Only web addresses: pages show them as images. */
export function readWebUrl(value: unknown): string | null {
  const text = readText(value, 2048)
  return text !== null && /^https?:\/\//i.test(text) && URL.canParse(text) ? text : null
}

/** Apple says `"true"` where the others say `true`. */
export function readFlag(value: unknown): boolean {
  return value === true || value === 'true'
}

/** A list of objects; what is no object in it is left out. */
export function readList(value: unknown): ProviderJson[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function isObject(value: unknown): value is ProviderJson {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
