import type { Filter } from './filter.ts'
import type { Path, ValueAt } from './document.ts'
import type { Simplify } from './fields.ts'

type NumberPath<T> = {
  [P in Path<T>]: unknown extends ValueAt<T, P> ? P : NonNullable<ValueAt<T, P>> extends number ? P : never
}[Path<T>]

/** What is computed over the documents of a group. */
export type Aggregation<T> =
  | { readonly $count: true }
  | { readonly $countDistinct: Path<T> }
  | { readonly $sum: NumberPath<T> }
  | { readonly $avg: NumberPath<T> }
  | { readonly $min: Path<T> }
  | { readonly $max: Path<T> }

export type Aggregations<T> = Readonly<Record<string, Aggregation<T>>>

export interface AggregateOptions<T, GroupBy extends string, Select extends Aggregations<T>> {
  /** Beside the query's own filter. */
  readonly where?: Filter<T>
  /** None: one group of all documents. */
  readonly groupBy?: readonly GroupBy[]
  readonly select: Select
  /** A filter over the computed values. */
  readonly having?: Readonly<Partial<Record<keyof Select, unknown>>>
  readonly sort?: readonly NoInfer<Sortable<GroupBy | (keyof Select & string)>>[]
  readonly limit?: number
  readonly signal?: AbortSignal
}

type Sortable<Name extends string> = Name | `-${Name}`

type Computed<T, A> = A extends { $count: true } | { $countDistinct: string } | { $sum: string }
  ? number
  : A extends { $avg: string }
    ? number | null
    : A extends { $min: infer P extends string } | { $max: infer P extends string }
      ? NonNullable<ValueAt<T, P>> | null
      : never

/** One group: the fields it was grouped by, and what was computed. */
export type Group<T, GroupBy extends string, Select> = Simplify<
  {
    [P in GroupBy]: Exclude<ValueAt<T, P>, undefined> | (undefined extends ValueAt<T, P> ? null : never)
  } & { -readonly [Alias in keyof Select]: Computed<T, Select[Alias]> }
>
