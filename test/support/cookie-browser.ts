/** As much of a browser as redirects need: follows them, and keeps cookies by host. */
export class CookieBrowser {
  readonly cookies = new Map<string, Map<string, string>>()

  /** Goes from redirect to redirect until one leads below `until`; returns that address, or the last answer. */
  async follow(url: string, until: string): Promise<{ url: string; response: Response }> {
    let next = url
    for (let hops = 0; hops < 20; hops += 1) {
      const response = await this.get(next)
      const location = response.headers.get('location')
      if (location === null) return { url: next, response }
      await response.arrayBuffer()
      next = new URL(location, next).href
      if (next.startsWith(until)) return { url: next, response }
    }
    throw new Error(`too many redirects, at last to ${next}`)
  }

  async get(url: string): Promise<Response> {
    return this.send(url, {})
  }

  async send(url: string, init: RequestInit): Promise<Response> {
    const jar = this.cookies.get(new URL(url).host) ?? new Map<string, string>()
    this.cookies.set(new URL(url).host, jar)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as object), cookie },
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const at = pair.indexOf('=')
      const isOver = /max-age=0/i.test(line) || /expires=Thu, 01 Jan 1970/i.test(line)
      if (isOver) jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), pair.slice(at + 1))
    }
    return response
  }
}
