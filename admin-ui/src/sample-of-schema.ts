import { isObject } from './fields.ts'

/** A value to begin with where something that fits a JSON Schema is to be written. */
export function sampleOf(schema: unknown, depth = 0): unknown {
  if (!isObject(schema) || depth > 8) return null
  if ('default' in schema) return schema['default']
  if ('const' in schema) return schema['const']
  if (Array.isArray(schema['enum'])) return schema['enum'][0]
  switch (schema['type']) {
    case 'object': {
      const properties = isObject(schema['properties']) ? schema['properties'] : {}
      return Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, sampleOf(inner, depth + 1)]),
      )
    }
    case 'string':
      return ''
    case 'integer':
    case 'number':
      return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0
    case 'boolean':
      return false
    case 'array':
      return []
    default:
      return null
  }
}
