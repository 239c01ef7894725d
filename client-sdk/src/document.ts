import type { CollectionName, FieldsOf, Schema } from './define-schema.ts'
import type { DataOf, Fields, Point, Simplify, TargetOf } from './fields.ts'

/** What the server keeps beside the data of every document. */
export interface SystemFields {
  readonly id: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** ISO 8601, UTC. */
  readonly updatedAt: string
  /** Counts the writes of the document, from 1. */
  readonly version: number
}

/** The data of a collection's documents, without the system fields. */
export type Data<S extends Schema, N extends CollectionName<S>> = DataOf<FieldsOf<S, N>>

/** A document as it is read: `Document<typeof schema, 'posts'>`. */
export type Document<S extends Schema, N extends CollectionName<S>> = Simplify<SystemFields & Data<S, N>>

/** Data as it is written: read-only arrays and objects will do. */
export type Input<V> = unknown extends V ? V : V extends object ? { readonly [K in keyof V]: Input<V[K]> } : V

/** What `create` takes: the data, and an id (`[A-Za-z0-9_-]{1,64}`) if it shall not be a new UUIDv7. */
export type NewDocument<S extends Schema, N extends CollectionName<S>> = Input<Data<S, N>> & {
  readonly id?: string
}

/** Counts down how deep dotted paths are spelled out; types that refer to themselves end here. */
type Shallower = [never, 0, 1, 2]

type Nested = { readonly [key: string]: unknown }
type IsNested<V> = V extends readonly unknown[] | Point ? false : V extends Nested ? true : false

/** The paths of an object's fields, dotted for objects inside (`address.city`). */
export type Path<T, Depth extends number = 3> = {
  [K in keyof T & string]:
    | K
    | (unknown extends T[K]
        ? `${K}.${string}`
        : [Depth] extends [0]
          ? never
          : IsNested<NonNullable<T[K]>> extends true
            ? `${K}.${Path<NonNullable<T[K]>, Shallower[Depth] & number>}`
            : never)
}[keyof T & string]

type Read<T, K extends keyof T> = {} extends Pick<T, K> ? T[K] | undefined : T[K]

/** The type of what stands at a path; with `undefined` if it may be missing. */
export type ValueAt<T, P extends string> = P extends keyof T
  ? Read<T, P>
  : P extends `${infer K}.${infer Rest}`
    ? K extends keyof T
      ? ValueAt<NonNullable<T[K]>, Rest> | Extract<Read<T, K>, undefined>
      : unknown
    : unknown

type Head<P extends string> = P extends `${infer K}.${string}` ? K : P
type Tail<P extends string, K> = P extends `${K & string}.${infer Rest}` ? Rest : never

type ReferenceKey<F extends Fields> = {
  [K in keyof F & string]: [TargetOf<F[K]>] extends [never] ? never : K
}[keyof F & string]

/** What `include` takes: references, and references of what they refer to, three steps at most. */
export type IncludePath<S extends Schema, N extends CollectionName<S>, Depth extends number = 2> = {
  [K in ReferenceKey<FieldsOf<S, N>>]:
    | K
    | ([Depth] extends [0]
        ? never
        : `${K}.${IncludePath<S, TargetOf<FieldsOf<S, N>[K]>, Shallower[Depth] & number>}`)
}[ReferenceKey<FieldsOf<S, N>>]

type WithIncluded<S extends Schema, N extends CollectionName<S>, Included extends string> = [
  Included,
] extends [never]
  ? Document<S, N>
  : Simplify<{
      [K in keyof Document<S, N>]: K extends Head<Included>
        ? Document<S, N>[K] extends readonly unknown[] | undefined
          ? WithIncluded<S, TargetOf<FieldsOf<S, N>[K]>, Tail<Included, K>>[]
          : WithIncluded<S, TargetOf<FieldsOf<S, N>[K]>, Tail<Included, K>> | null
        : Document<S, N>[K]
    }>

type Selected<T, Selection extends string> = Simplify<{
  [K in keyof T as K extends Head<Selection> ? K : never]: K extends Selection
    ? T[K]
    : Selected<NonNullable<T[K]>, Tail<Selection, K>> | Exclude<T[K], object>
}>

/** A document as a query answers it: references replaced by what was included, fields narrowed to the selected. */
export type Row<
  S extends Schema,
  N extends CollectionName<S>,
  Included extends string = never,
  Selection extends string = never,
> = [Selection] extends [never]
  ? WithIncluded<S, N, Included>
  : Selected<WithIncluded<S, N, Included>, Selection | 'id'>
