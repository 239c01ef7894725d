import type { FieldPath } from '../../query/field-path.ts'
import type { Json } from '../../query/json.ts'
import { type AccessTerm, documentKeys } from './access-term.ts'
import type { LoggedChange } from './logged-change.ts'

interface FieldIndex<Item> {
  readonly kind: AccessTerm['kind']
  readonly path: FieldPath
  readonly byValue: Map<string, Set<Item>>
}

interface CollectionIndex<Item> {
  readonly fields: Map<string, FieldIndex<Item>>
  /** Without a term that an index answers: asked about every change of the collection. */
  readonly others: Set<Item>
}

/** Finds who may be interested in a change, by its collection and the values in it, without asking everybody. */
export class InterestIndex<Item> {
  readonly #collections = new Map<string, CollectionIndex<Item>>()

  add(collection: string, term: AccessTerm | undefined, item: Item): void {
    let index = this.#collections.get(collection)
    if (index === undefined) {
      index = { fields: new Map(), others: new Set() }
      this.#collections.set(collection, index)
    }
    if (term === undefined) index.others.add(item)
    else addToField(fieldOf(index, term), term, item)
  }

  remove(collection: string, term: AccessTerm | undefined, item: Item): void {
    const index = this.#collections.get(collection)
    if (index === undefined) return
    if (term === undefined) {
      index.others.delete(item)
    } else {
      const field = fieldOf(index, term)
      removeFromField(field, term, item)
      if (field.byValue.size === 0) index.fields.delete(fieldKey(term))
    }
    if (index.others.size === 0 && index.fields.size === 0) this.#collections.delete(collection)
  }

  /** Each once. */
  find({ collection, before, after }: LoggedChange): ReadonlySet<Item> {
    const index = this.#collections.get(collection)
    if (index === undefined) return new Set()
    const found = new Set(index.others)
    for (const field of index.fields.values()) {
      if (before !== null) collect(field, before.object, found)
      if (after !== null) collect(field, after.object, found)
    }
    return found
  }
}

function fieldKey({ kind, path }: AccessTerm): string {
  return `${kind} ${path.join('.')}`
}

function fieldOf<Item>({ fields }: CollectionIndex<Item>, term: AccessTerm): FieldIndex<Item> {
  const key = fieldKey(term)
  let field = fields.get(key)
  if (field === undefined) {
    field = { kind: term.kind, path: term.path, byValue: new Map() }
    fields.set(key, field)
  }
  return field
}

function addToField<Item>({ byValue }: FieldIndex<Item>, { values }: AccessTerm, item: Item): void {
  for (const value of values) {
    const items = byValue.get(value)
    if (items === undefined) byValue.set(value, new Set([item]))
    else items.add(item)
  }
}

function removeFromField<Item>({ byValue }: FieldIndex<Item>, { values }: AccessTerm, item: Item): void {
  for (const value of values) {
    const items = byValue.get(value)
    items?.delete(item)
    if (items?.size === 0) byValue.delete(value)
  }
}

function collect<Item>({ kind, path, byValue }: FieldIndex<Item>, document: Json, found: Set<Item>): void {
  for (const key of documentKeys(kind, path, document)) {
    for (const item of byValue.get(key) ?? []) found.add(item)
  }
}
