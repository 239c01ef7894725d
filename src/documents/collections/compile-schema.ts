import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { default as addFormats } from 'ajv-formats'
import { RE2JS } from 're2js'
import { invalidValue, type Issue } from '../../platform/errors.ts'
import { canonicalText } from '../../query/canonical-text.ts'
import type { Json } from '../../query/json.ts'

/** Finds the faults of data; none means valid. */
export type Validator = (data: unknown) => Issue[]

const maxSchemaBytes = 64 * 1024
const maxIssues = 50

/**
 * Compiles a project's JSON Schema once. Patterns run on RE2, which takes linear time whatever the pattern:
 * a backtracking engine could be stopped for minutes by one document.
 * Throws 400 for what is not a schema.
 */
export function compileSchema(schema: Readonly<Record<string, unknown>>, path: string): Validator {
  if (JSON.stringify(schema).length > maxSchemaBytes) {
    throw invalidValue(path, `is larger than ${maxSchemaBytes} bytes`, 'too_large')
  }
  if (schema['$async'] === true) throw invalidValue(path, 'may not be asynchronous', 'invalid_schema')
  const validate = compile(schema, path)
  return (data) => {
    if (validate(data)) return []
    return (validate.errors ?? []).slice(0, maxIssues).map(toIssue)
  }
}

// Knows what a schema is. Each compiler would compile that for itself, which takes ten times as long as the schema.
const metaSchema = new Ajv2020()

function compile(schema: Readonly<Record<string, unknown>>, path: string): ValidateFunction {
  // A compiler for each schema: an `$id` of one project must not be seen by another.
  const ajv = addFormats.default(
    new Ajv2020({
      validateSchema: false,
      allErrors: true,
      strict: true,
      strictTypes: false,
      strictRequired: false,
      code: { regExp: linearRegExp },
    }),
  )
  // Ajv's own compares each item with each.
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (isWanted: boolean, items: Json[]) =>
      !isWanted || new Set(items.map(canonicalText)).size === items.length,
    error: { message: 'must NOT have duplicate items' },
  })
  try {
    void metaSchema.validateSchema(schema, true)
    return ajv.compile({ ...schema })
  } catch (error) {
    throw invalidValue(
      path,
      error instanceof Error ? error.message : 'is not a JSON Schema',
      'invalid_schema',
    )
  }
}

/** What Ajv needs of a regular expression. It keeps one for each text that `toString` gives. */
function linearRegExp(pattern: string): { test: (text: string) => boolean; toString: () => string } {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern }
}
linearRegExp.code = 'linearRegExp'

function toIssue(error: ErrorObject): Issue {
  const extra: unknown = error.params['missingProperty'] ?? error.params['additionalProperty']
  const steps = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (typeof extra === 'string') steps.push(extra)
  return { path: steps.join('.'), code: error.keyword, message: error.message ?? 'is not valid' }
}
