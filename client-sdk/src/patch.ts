import type { Input } from './document.ts'
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
    ? V | { readonly $increment: number } | Extreme<number>
    : [V] extends [string]
      ? V | (string extends V ? { readonly $now: true } | Extreme<string> : never)
      : [V] extends [readonly (infer Item)[]]
        ? Input<V> | ArrayOperator<Input<Item>>
        : [V] extends [boolean | Point]
          ? Input<V>
          : Patch<V>

/** Keeps the smaller, or the larger, of the present value and this one. */
type Extreme<V> = { readonly $min: V } | { readonly $max: V }

type ArrayOperator<Item> =
  | { readonly $append: OneOrMore<Item> }
  /** Every equal item goes. */
  | { readonly $remove: OneOrMore<Item> }
  /** What is there already isn't added again. */
  | { readonly $addUnique: OneOrMore<Item> }

type OneOrMore<Item> = readonly Item[] | (Item extends readonly unknown[] ? never : Item)
