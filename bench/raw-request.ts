interface Parts {
  method?: string
  path: string
  headers?: Record<string, string>
  body?: unknown
}

/** A request as it goes over the wire, with a JSON body if there is one. */
export function rawRequest({ method = 'GET', path, headers = {}, body }: Parts): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1']
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  const text = body === undefined ? '' : JSON.stringify(body)
  if (text !== '') lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(text)}`)
  return `${lines.join('\r\n')}\r\n\r\n${text}`
}
