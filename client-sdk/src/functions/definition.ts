import type { Basalt } from '../client.ts'
import type { Schema, UntypedSchema } from '../define-schema.ts'
import { type DataOf, type Field, type Fields, type JsonSchema, objectSchema } from '../fields.ts'

/** Marks what a function's module exports, whatever copy of this package made it. */
export const definitionMark = Symbol.for('basalt.function')

/** A user who calls, as the server knows them at this moment. */
export interface FunctionUser {
  readonly uid: string
  readonly email: string | null
  readonly isEmailVerified: boolean
  readonly isAnonymous: boolean
  readonly roles: readonly string[]
  readonly claims: Readonly<Record<string, unknown>>
}

/** What every handler is given. */
export interface FunctionContext<S extends Schema = UntypedSchema> {
  /** The project with the rights of the function itself: everything, or the `scopes` that it declares. */
  readonly basalt: Basalt<S>
  /** The user who calls; null for everybody else. */
  readonly auth: FunctionUser | null
  /** Who calls: `server` is a secret key or an operator, `system` is Basalt itself. */
  readonly caller: 'anonymous' | 'user' | 'server' | 'function' | 'system'
  /** The project with the rights of the user who calls. Throws for anybody else. */
  as(user: FunctionUser): Basalt<S>
  /** The project's secrets. */
  readonly env: Readonly<Record<string, string>>
  /** Written to the function's logs, with fields to search for. `console` is written there too. */
  readonly log: FunctionLog
  readonly event: FunctionEvent
  /**
   * Says how far a task is: JSON of up to 4 KiB that `basalt.tasks.get` shows. Now and then it is stored, and the last
   * value at the end. Nobody hears it from other functions.
   */
  readonly progress: (value: unknown) => void
  /** Ends when the caller has gone or the time is over. */
  readonly signal: AbortSignal
  /** Lets work go on after the answer, for at most the time that the function has. */
  waitUntil(work: Promise<unknown>): void
}

export interface FunctionEvent {
  /** The same at each delivery of the same event: what makes an effect happen once. */
  readonly id: string
  /** 1 for the first. */
  readonly attempt: number
  /** How many functions led to this call. Ends at 8. */
  readonly depth: number
}

type LogLine = (message: string, fields?: Readonly<Record<string, unknown>>) => void

export interface FunctionLog {
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
}

/** What every kind of function can say of itself. */
export interface FunctionOptions {
  /** Milliseconds; the default and the most are the server's. */
  readonly timeout?: number
  /** The hosts that `fetch` may reach: `api.stripe.com`, `*.example.com`. Default: every public one. */
  readonly outbound?: readonly string[]
  /** What `ctx.basalt` may do: `documents:read` and so on. Default: everything. */
  readonly scopes?: readonly string[]
}

/** What a function's module exports. Made by `callable`, `http` and the others. */
export interface FunctionDefinition {
  readonly [definitionMark]: true
  readonly kind: string
  /** What the server is told: plain JSON. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly handler: (subject: never, ctx: never) => unknown
}

/** A single field, or the fields of an object. */
export type Shape = Fields | Field<unknown, boolean>
export type ValueOf<T extends Shape> =
  T extends Field<infer Value, boolean> ? Value : T extends Fields ? DataOf<T> : never

/** A function that clients call by its name. */
export interface Callable<Input, Output> extends FunctionDefinition {
  readonly kind: 'callable'
  /** For the compiler alone: what goes in and comes out. */
  readonly types?: { readonly input: Input; readonly output: Output }
}

export type InputOf<F> = F extends Callable<infer Input, unknown> ? Input : never
export type OutputOf<F> = F extends Callable<unknown, infer Output> ? Output : never

export function define(
  kind: string,
  settings: Readonly<Record<string, unknown>>,
  handler: FunctionDefinition['handler'],
): FunctionDefinition {
  return { [definitionMark]: true, kind, settings, handler }
}

export function schemaOf(shape: Shape | undefined): JsonSchema | undefined {
  if (shape === undefined) return undefined
  return isField(shape) ? shape.schema : objectSchema(shape)
}

/** Fields are made by functions of this package, and have a schema that is no field itself. */
function isField(shape: Shape): shape is Field<unknown, boolean> {
  return 'schema' in shape && 'isOptional' in shape && typeof shape.isOptional === 'boolean'
}

/** Thrown by `reject`, recognised by its mark: the bundle may hold another copy of this class. */
const rejectionMark = Symbol.for('basalt.rejection')

class Rejection extends Error {
  override readonly name = 'Rejection'
  readonly [rejectionMark] = true
}

/**
 * Refuses: the caller gets 422 with the reason, and what a before-hook was asked about does not happen.
 *
 * @example
 * if (order.amount > 1000) reject('Orders of more than 1,000 need a signature')
 */
export function reject(reason: string): never {
  throw new Rejection(reason)
}

export function isRejection(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && rejectionMark in error
}
