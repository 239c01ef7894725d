import { api } from './api.ts'
import type { Place } from './project-frame.ts'

/** Tells what people call those who did something: `operator:…` is an address, `key:…` the name of a key. */
export async function namesOfActors(place: Place): Promise<(label: string) => string> {
  const [{ members }, { keys }] = await Promise.all([
    api<{ members: { operatorId: string; email: string }[] }>('GET', `${place.organizationApi}/members`),
    api<{ keys: { id: string; name: string }[] }>('GET', `${place.api}/keys`),
  ])
  const names = new Map([
    ...members.map(({ operatorId, email }): [string, string] => [`operator:${operatorId}`, email]),
    ...keys.map(({ id, name }): [string, string] => [`key:${id}`, `key ${name}`]),
  ])
  // Who has left, or was revoked, keeps the kind.
  return (label) => names.get(label) ?? label.split(':', 1)[0] ?? label
}
