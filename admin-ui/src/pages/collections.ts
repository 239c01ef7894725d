import { api } from '../api.ts'
import { element, empty } from '../elements.ts'
import type { Place } from '../project-frame.ts'

export async function collectionsPage(place: Place): Promise<Node[]> {
  const { collections } = await api<{ collections: { name: string }[] }>('GET', `${place.api}/collections`)
  const rows = collections.map(({ name }) => element('li', {}, element('code', {}, name)))
  return [
    element('h1', {}, 'Collections'),
    rows.length > 0
      ? element('ul', { className: 'rows' }, ...rows)
      : empty('There is none yet. Declare one with PUT /v1/projects/…/collections/{name}.'),
  ]
}
