interface Call {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

/** Asks a server under test for something outside the measures. Throws unless it answers 2xx. */
export async function call<Answer>(url: string, request: Call = {}): Promise<Answer> {
  return JSON.parse(await callText(url, request))
}

/** The same, for the answer as it came. */
export async function callText(
  url: string,
  { method = 'GET', headers = {}, body }: Call = {},
): Promise<string> {
  const isText = typeof body === 'string'
  const response = await fetch(url, {
    method,
    headers: { ...(!isText && body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`)
  return text
}
