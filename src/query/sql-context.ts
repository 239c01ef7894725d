import type { FieldPath } from './field-path.ts'

export type ParameterType = 'jsonb' | 'jsonb[]' | 'text[]' | 'float8' | 'float8[]' | 'bigint' | 'text'

/** The values of one statement, in the order of their placeholders. */
export class SqlParameters {
  readonly values: unknown[]
  /** What each value was cast to; undefined where PostgreSQL finds out by itself. */
  readonly types: (ParameterType | undefined)[]

  /** Starts behind the values that the statement has already. */
  constructor(values: readonly unknown[] = []) {
    this.values = [...values]
    this.types = values.map(() => undefined)
  }

  /** Binds a value and returns its placeholder: `$3`, or `$3::jsonb` with a cast. */
  push(value: unknown, cast?: ParameterType): string {
    this.values.push(value)
    this.types.push(cast)
    return cast === undefined ? `$${this.values.length}` : `$${this.values.length}::${cast}`
  }
}

/** The indexes of a collection without which some operators are refused. */
export interface CollectionIndexes {
  /** Full text over these fields, in a language that `isSearchLanguage` knows. */
  readonly search?: SearchIndex
  /** Fields that hold GeoJSON points. */
  readonly geo: readonly FieldPath[]
  /** Fields of ordered indexes. Undefined when they aren't known: any field may have one. */
  readonly ordered?: readonly FieldPath[]
}

export interface SearchIndex {
  readonly fields: readonly FieldPath[]
  readonly language: string
}

/** What an expression is compiled against: one collection's table under an alias, in one statement. */
export interface SqlContext {
  readonly params: SqlParameters
  /** The alias of the table: `t`. */
  readonly alias: string
  readonly indexes: CollectionIndexes
  /** Everything is in `data`: there are no columns for system fields. So in the groups of an aggregate. */
  readonly flat?: boolean
  /** The quoted, schema-qualified table of another collection of the project; undefined if there is none. */
  readonly table: (collection: string) => string | undefined
}
