import type { AnyDocument, WireChange } from './protocol.ts'
import { isSameJson } from './same-json.ts'

/** What a list became: `index` is where the document stands in the new one. */
export type LiveChange<T> =
  | { readonly kind: 'added' | 'changed'; readonly document: T; readonly index: number }
  | { readonly kind: 'removed'; readonly document: T }

/**
 * Puts a whole new list in the place of the old one. Documents that say the same stay the very same objects, and if
 * all of them do, so does the list.
 */
export function replaceList<T extends AnyDocument>(before: readonly T[], after: readonly T[]): readonly T[] {
  const known = new Map(before.map((document) => [document.id, document]))
  return unlessSame(
    before,
    after.map((document) => keepSame(known.get(document.id), document)),
  )
}

/** Takes the steps one after the other. Repeating some does no harm. */
export function changeList<T extends AnyDocument>(
  before: readonly T[],
  changes: readonly (WireChange & { readonly document: AnyDocument })[],
): readonly T[] {
  const list: AnyDocument[] = [...before]
  for (const change of changes) {
    const from = list.findIndex(({ id }) => id === change.document.id)
    const [old] = from === -1 ? [] : list.splice(from, 1)
    if (change.kind === 'removed') continue
    const to = change.index ?? (from === -1 ? list.length : from)
    list.splice(to, 0, keepSame(old, change.document))
  }
  return unlessSame(before, list as T[])
}

/** What became of a list, as its documents tell. Removed ones first. */
export function listChanges<T extends AnyDocument>(
  before: readonly T[],
  after: readonly T[],
): LiveChange<T>[] {
  const old = new Map(before.map((document) => [document.id, document]))
  const now = new Set(after.map(({ id }) => id))
  const removed = before.flatMap((document): LiveChange<T>[] =>
    now.has(document.id) ? [] : [{ kind: 'removed', document }],
  )
  const rest = after.flatMap((document, index): LiveChange<T>[] => {
    const known = old.get(document.id)
    if (known === document) return []
    return [{ kind: known === undefined ? 'added' : 'changed', document, index }]
  })
  return [...removed, ...rest]
}

function keepSame<T extends AnyDocument>(old: T | undefined, document: T): T {
  return old !== undefined && isSameJson(old, document) ? old : document
}

function unlessSame<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  const isSame =
    before.length === after.length && before.every((document, index) => document === after[index])
  return isSame ? before : after
}
