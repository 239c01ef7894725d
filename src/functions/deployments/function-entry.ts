import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import type { Issue } from '../../platform/errors.ts'
import { allScopes } from '../../projects/actor.ts'
import { taskName } from '../../tasks/schemas.ts'
import { compileSchema } from '../../documents/collections/compile-schema.ts'

const functionKinds = [
  'callable',
  'http',
  'beforeCreate',
  'beforeUpdate',
  'beforeDelete',
  'afterCreate',
  'afterUpdate',
  'afterDelete',
  'afterWrite',
  'beforeSignUp',
  'beforeSignIn',
  'afterSignUp',
  'afterSignIn',
  'customClaims',
  'beforeUpload',
  'afterUpload',
  'schedule',
  'task',
  'subscriber',
] as const

export type FunctionKind = (typeof functionKinds)[number]

const name = Type.String({ minLength: 1, maxLength: 100 })
const jsonSchema = Type.Record(Type.String(), Type.Unknown())

/** What a function says of itself, and the server holds it to. */
const Settings = Type.Object({
  timeout: Type.Optional(Type.Integer({ minimum: 10, maximum: 900_000 })),
  outbound: Type.Optional(
    Type.Array(Type.String({ pattern: '^(\\*\\.)?[a-z0-9.-]+(:[0-9]{1,5})?$' }), { maxItems: 100 }),
  ),
  scopes: Type.Optional(
    Type.Array(Type.Union(allScopes.map((scope) => Type.Literal(scope))), { maxItems: 50 }),
  ),
  access: Type.Optional(Type.Union([Type.Literal('public'), Type.Literal('user'), Type.Literal('server')])),
  input: Type.Optional(jsonSchema),
  output: Type.Optional(jsonSchema),
  route: Type.Optional(
    Type.String({ pattern: '^(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\\S*$', maxLength: 300 }),
  ),
  collection: Type.Optional(name),
  bucket: Type.Optional(name),
  cron: Type.Optional(name),
  timezone: Type.Optional(name),
  catchUp: Type.Optional(Type.Boolean()),
  task: Type.Optional(taskName),
  maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  topic: Type.Optional(name),
  filter: Type.Optional(jsonSchema),
})

/** One function of a deployment. */
export interface FunctionEntry {
  name: string
  kind: FunctionKind
  /** The uploaded file. */
  file: string
  settings: Static<typeof Settings>
  /** Of all uploaded files that it consists of. Undefined in versions from before it was kept. */
  hash?: string | undefined
}

/** What else each kind must say. */
const needed: Partial<Record<FunctionKind, keyof FunctionEntry['settings']>> = {
  http: 'route',
  beforeCreate: 'collection',
  beforeUpdate: 'collection',
  beforeDelete: 'collection',
  afterCreate: 'collection',
  afterUpdate: 'collection',
  afterDelete: 'collection',
  afterWrite: 'collection',
  beforeUpload: 'bucket',
  afterUpload: 'bucket',
  schedule: 'cron',
  task: 'task',
  subscriber: 'topic',
}

/** What the loaded module said, or what is wrong with it. */
export function readEntry(name: string, file: string, said: unknown): FunctionEntry | Issue {
  const fault = (message: string): Issue => ({ path: file, code: 'invalid_function', message })
  if (typeof said !== 'object' || said === null || !('kind' in said) || !('settings' in said)) {
    return fault('does not say what it is')
  }
  const kind = functionKinds.find((one) => one === said.kind)
  if (kind === undefined) return fault(`there is no kind of function named ${String(said.kind).slice(0, 50)}`)
  const { settings } = said
  if (!Value.Check(Settings, settings)) {
    const [first] = Value.Errors(Settings, settings)
    return fault(
      `${first?.instancePath.slice(1).replaceAll('/', '.') ?? ''} ${first?.message ?? 'is not valid'}`,
    )
  }
  const missing = needed[kind]
  if (missing !== undefined && settings[missing] === undefined) return fault(`lacks ${missing}`)
  try {
    for (const part of ['input', 'output'] as const) {
      if (settings[part] !== undefined) compileSchema(settings[part], part)
    }
  } catch (error) {
    return fault(error instanceof Error ? error.message : 'has a schema that is not valid')
  }
  return { name, kind, file, settings }
}
