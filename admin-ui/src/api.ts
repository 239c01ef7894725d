/** What the server answers when something is wrong (RFC 9457). */
interface Problem {
  detail: string
}

/** Somebody has to sign in first. */
export class NotSignedIn extends Error {}

/** Calls the API as the operator whose session the cookie holds. Throws an error whose message is for people. */
export async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`/v1${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (response.status === 204) return undefined as T
  const answer: T & Problem = await response.json()
  if (response.ok) return answer
  throw response.status === 401 ? new NotSignedIn(answer.detail) : new Error(answer.detail)
}
