/** What the API takes and gives, as far as the command line looks into it. */
export interface IndexDefinition {
  type?: 'ordered' | 'search' | 'geo'
  fields: string[]
  unique?: boolean
  language?: string
}

export interface FieldDefinition {
  read?: string
  write?: string
  relation?: string
}

export type JsonSchema = Readonly<Record<string, unknown>>

export interface CollectionDefinition {
  schema?: JsonSchema | null
  indexes?: IndexDefinition[]
  rules?: Record<string, string>
  fields?: Record<string, FieldDefinition>
}

export interface Collection extends CollectionDefinition {
  name: string
}

export interface ChannelRules {
  pattern: string
  rules: Record<string, string>
}

export interface CollectionAnswer extends Collection {
  changes: { kind: string; target: string; description: string }[]
  warnings: string[]
}
