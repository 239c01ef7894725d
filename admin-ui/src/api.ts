/** What is wrong with one field of a request. Paths are dotted: `settings.smtp.host`. */
export interface Issue {
  path: string
  message: string
}

/** What the server answers when something is wrong (RFC 9457). */
interface Problem {
  code: string
  detail: string
  errors?: Issue[]
}

/** Somebody has to sign in first. */
export class NotSignedIn extends Error {}

/** The server (or a form, before it asks) refuses; the message is for people. */
export class Refused extends Error {
  readonly issues: readonly Issue[]
  /** The API's own word for it; undefined when it didn't come from there. */
  readonly code: string | undefined

  constructor(message: string, issues: readonly Issue[] = [], code?: string) {
    super(message)
    this.issues = issues
    this.code = code
  }
}

/** Calls the API as the operator whose session the cookie holds. Throws an error whose message is for people. */
export function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  return body === undefined
    ? call(method, path)
    : call(method, path, 'application/json', JSON.stringify(body))
}

/** Sends a file of lines as it is; the browser streams it from the disk. */
export function sendLines<T>(path: string, file: File): Promise<T> {
  return call('POST', path, 'application/x-ndjson', file)
}

async function call<T>(method: string, path: string, type?: string, body?: string | File): Promise<T> {
  const response = await fetch(`/v1${path}`, {
    method,
    ...(type !== undefined && body !== undefined && { headers: { 'content-type': type }, body }),
  }).catch(() => {
    throw new Refused('The server can’t be reached.')
  })
  if (response.status === 204) return undefined as T
  const answer: T & Problem = await response.json().catch(() => {
    // A proxy in between speaks HTML.
    throw new Refused(`The server answered ${response.status}.`)
  })
  if (response.ok) return answer
  const { detail, errors, code } = answer
  throw response.status === 401 ? new NotSignedIn(detail) : new Refused(detail, errors, code)
}
