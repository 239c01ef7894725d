import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type ApiError, invalidRequest, invalidValue, type Issue } from '../platform/errors.ts'
import { isDeeperThan } from '../platform/json-depth.ts'
import { findPrototypeName } from '../platform/prototype-names.ts'

/** The client's own name for a subscription or membership. */
const id = Type.String({ minLength: 1, maxLength: 64 })
const collection = Type.String({ maxLength: 128 })
const channel = Type.String({ maxLength: 200 })
const paths = Type.Union([
  Type.String({ maxLength: 4000 }),
  Type.Array(Type.String({ maxLength: 400 }), { maxItems: 100 }),
])
const fields = Type.Optional(paths)
const cursor = Type.Optional(Type.String({ maxLength: 200 }))
const presence = Type.Record(Type.String(), Type.Unknown())

const exactly = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false })

const messages = {
  auth: exactly({
    type: Type.Literal('auth'),
    token: Type.Union([Type.String({ maxLength: 8_192 }), Type.Null()]),
  }),
  subscribe: exactly({
    type: Type.Literal('subscribe'),
    id,
    collection,
    where: Type.Optional(Type.Unknown()),
    sort: Type.Optional(paths),
    limit: Type.Optional(Type.Integer({ minimum: 1 })),
    document: Type.Optional(Type.String({ maxLength: 128 })),
    fields,
    cursor,
  }),
  unsubscribe: exactly({ type: Type.Literal('unsubscribe'), id }),
  join: exactly({ type: Type.Literal('join'), id, channel, presence: Type.Optional(presence) }),
  presence: exactly({
    type: Type.Literal('presence'),
    id,
    presence: Type.Union([presence, Type.Null()]),
  }),
  broadcast: exactly({
    type: Type.Literal('broadcast'),
    id: Type.Optional(id),
    channel,
    event: Type.String({ minLength: 1, maxLength: 128 }),
    payload: Type.Optional(Type.Unknown()),
  }),
  ping: exactly({ type: Type.Literal('ping') }),
}

export type ClientMessage = Static<(typeof messages)[keyof typeof messages]>
export type SubscribeMessage = Static<typeof messages.subscribe>
export type JoinMessage = Static<typeof messages.join>
export type BroadcastMessage = Static<typeof messages.broadcast>

const validators = new Map<unknown, ReturnType<typeof Compile>>(
  Object.entries<TSchema>(messages).map(([type, schema]) => [type, Compile(schema)]),
)
// What a filter compares with counts too; how deep its operators may stand is for the filter to say.
const maxDepth = 100

/** Not JSON, or not an object: nothing can be said of it. */
export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage'
}

/** A message that was understood so far that its sender can be told what is wrong with it. */
export class InvalidMessage extends Error {
  override readonly name = 'InvalidMessage'
  /** The `id` in the message. */
  readonly id: string | undefined
  readonly reason: ApiError

  constructor(id: string | undefined, reason: ApiError) {
    super(reason.message)
    this.id = id
    this.reason = reason
  }
}

/** Reads a message. Throws UnreadableMessage or InvalidMessage. */
export function readClientMessage(text: string): ClientMessage {
  const message = parseObject(text)
  const { type } = message
  const validator = validators.get(type)
  if (validator === undefined) {
    throw new InvalidMessage(idOf(message), invalidValue('type', 'is no type of message', 'unknown_type'))
  }
  if (!validator.Check(message)) throw new InvalidMessage(idOf(message), faultsOf(validator, message))
  return message as ClientMessage
}

function parseObject(text: string): Record<string, unknown> {
  if (isDeeperThan(text, maxDepth)) {
    throw new InvalidMessage(
      undefined,
      invalidValue('', `is nested deeper than ${maxDepth} levels`, 'too_deep'),
    )
  }
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UnreadableMessage()
  const message: Record<string, unknown> = { ...value }
  const name = findPrototypeName(text, value)
  if (name !== undefined) {
    throw new InvalidMessage(idOf(message), invalidValue(name, 'is a reserved name', 'reserved'))
  }
  return message
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UnreadableMessage()
  }
}

function idOf({ id: given }: Record<string, unknown>): string | undefined {
  return typeof given === 'string' && given.length <= 64 ? given : undefined
}

function faultsOf(validator: ReturnType<typeof Compile>, message: unknown): ApiError {
  const issues = validator
    .Errors(message)
    .flatMap(({ keyword, instancePath, message: detail, params }): Issue[] => {
      // Said of what is too much, which is told as such too.
      if (keyword === 'boolean') return []
      const steps = instancePath.split('/').slice(1)
      return [{ path: [...steps, ...extraSteps(params)].join('.'), code: keyword, message: detail }]
    })
  return invalidRequest(issues.slice(0, 20))
}

/** What is missing, or must not be there, by name. */
function extraSteps(params: object): string[] {
  const names: unknown = Object.values(params)[0]
  return Array.isArray(names) && typeof names[0] === 'string' ? [names[0]] : []
}
