import { isIP } from 'node:net'

/** Every fault of the environment at once: nobody should have to start a server five times to find five. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: string[]

  constructor(faults: string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

/**
 * Reads variables and collects what is wrong with them instead of throwing at the first.
 * An empty variable counts as unset, as compose files and CI systems pass them.
 */
export class EnvironmentReader {
  readonly #env: NodeJS.ProcessEnv
  readonly #known = new Set<string>()
  readonly #faults: string[] = []

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  text(name: string): string | undefined {
    this.#known.add(name)
    const value = this.#env[name]
    return value?.trim() === '' ? undefined : value
  }

  integer(name: string, range: { default: number; min: number; max: number }): number {
    const value = this.text(name)
    if (value === undefined) return range.default
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
    if (number >= range.min && number <= range.max) return number
    this.fault(`${name} must be a whole number from ${range.min} to ${range.max}, not "${value}".`)
    return range.default
  }

  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.text(name)
    if (value === undefined) return fallback
    const chosen = choices.find((choice) => choice === value)
    if (chosen === undefined) this.fault(`${name} must be one of ${choices.join(', ')}, not "${value}".`)
    return chosen ?? fallback
  }

  url(name: string, protocols: readonly string[], example: string): URL | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const url = URL.parse(value)
    if (url !== null && protocols.includes(url.protocol)) return url
    // The value isn't repeated: a URL of a database holds a password.
    this.fault(`${name} must be a URL such as ${example}.`)
    return undefined
  }

  /** Addresses and CIDR ranges, separated by commas. */
  networks(name: string): string[] {
    const networks = (this.text(name) ?? '').split(/[\s,]+/).filter((part) => part !== '')
    for (const network of networks) {
      if (!isNetwork(network)) this.fault(`${name}: "${network}" is not an address or a CIDR range.`)
    }
    return networks
  }

  fault(message: string): void {
    this.#faults.push(message)
  }

  /** Throws when anything was wrong, a variable with our prefix that nothing reads included: most likely a typo. */
  finish(prefix: string): void {
    for (const name of Object.keys(this.#env)) {
      if (!name.startsWith(prefix) || this.#known.has(name)) continue
      this.fault(`${name} is not a known variable; did you mean ${nearest(name, this.#known)}?`)
    }
    if (this.#faults.length > 0) throw new ConfigError(this.#faults)
  }
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

function nearest(name: string, candidates: Iterable<string>): string {
  const ranked = [...candidates].map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
  ranked.sort((a, b) => a.distance - b.distance)
  return ranked[0]?.candidate ?? ''
}

/** Levenshtein distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, left] of a.split('').entries()) {
    const next = [i + 1]
    for (const [j, right] of b.split('').entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
