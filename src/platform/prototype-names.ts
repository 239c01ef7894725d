const names: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
// Most texts hold none of these, and are not walked. An escape may hide one.
const suspicious = /__proto__|constructor|prototype|\\u/

/**
 * The path of the first key in parsed JSON that names something of every object's prototype. They are refused at
 * every depth: a single assignment that trusts a key would change all objects of the process.
 *
 * @param text what the value was parsed from
 */
export function findPrototypeName(text: string, value: unknown): string | undefined {
  return suspicious.test(text) ? search(value, '') : undefined
}

function search(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const at = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    if (!Array.isArray(value) && names.has(key)) return at
    const found = search(inner, at)
    if (found !== undefined) return found
  }
  return undefined
}
