import type { Point } from './fields.ts'

/**
 * A change to a document, merged into it (RFC 7396): what isn't named stays, `null` removes,
 * objects merge field by field, and operators change a value in place, safely beside other writers.
 *
 * @example
 * { title: 'New', draft: null, votes: { $increment: 1 }, tags: { $addUnique: ['news'] } }
 */
export type Patch<T> = {
  readonly [K in keyof T]?:
    | PatchValue<NonNullable<T[K]>>
    | ({} extends Pick<T, K> ? null | { readonly $unset: true } : Extract<T[K], null>)
}

type PatchValue<V> = unknown extends V
  ? unknown
  : [V] extends [number]
    ? V | { readonly $increment: number } | { readonly $min: number } | { readonly $max: number }
    : [V] extends [string]
      ? V | (string extends V ? { readonly $now: true } : never)
      : [V] extends [readonly (infer Item)[]]
        ? V | ArrayOperator<Item>
        : [V] extends [boolean | Point]
          ? V
          : Patch<V>

type ArrayOperator<Item> =
  | { readonly $append: readonly Item[] }
  /** Every equal item goes. */
  | { readonly $remove: readonly Item[] }
  | { readonly $addUnique: readonly Item[] }
