import Type from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { forbidden } from '../../platform/errors.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Actor } from '../../projects/actor.ts'
import { projectRequest } from '../../projects/access.ts'
import { readBearer } from '../../projects/read-credentials.ts'
import { closed } from '../../projects/schemas.ts'
import type { FunctionEntry } from '../deployments/function-entry.ts'
import { functionNotFound } from '../errors.ts'
import type { Functions } from '../functions.ts'
import { base, functionParams, tags } from '../schemas.ts'
import { callChain } from './call-chain.ts'
import { invokeFunction } from './invoke-function.ts'

export function registerCallRoutes(app: HttpServer, functions: Functions): void {
  app.post(
    `${base}/:name`,
    {
      // Who of the clients may call is for each function to say.
      config: { access: { door: 'project', scope: 'functions:write', clients: true } },
      schema: {
        operationId: 'callFunction',
        summary: 'Call a function',
        tags,
        params: functionParams,
        body: Type.Optional(Type.Object({ input: Type.Optional(Type.Unknown()) }, closed)),
        response: { 200: Type.Object({ output: Type.Unknown() }, closed) },
      },
    },
    async (request, reply) => {
      const { project, actor } = projectRequest(request)
      const { name } = request.params
      const release = await functions.versions.of(project)
      const entry = release?.active.entries.get(name) ?? release?.next?.version.entries.get(name)
      if (entry?.kind !== 'callable') throw functionNotFound(name)
      requireAccess(actor, entry)
      const signal = whenGone(reply)
      const auth = { actor, token: userToken(request, actor) }
      const output = await invokeFunction(functions, project, name, {
        kind: 'callable',
        input: request.body?.input ?? {},
        auth,
        signal,
      })
      // Without the serializer: it is JSON that was read already.
      return reply.type('application/json').serializer(JSON.stringify).send({ output })
    },
  )
}

/** Keys, operators and functions were judged at the door. Throws 403. */
function requireAccess(actor: Actor, { settings: { access = 'user' } }: FunctionEntry): void {
  if (actor.kind === 'anonymous' && access !== 'public') throw forbidden('Sign in to call this function.')
  if (actor.kind === 'user' && access === 'server') throw forbidden('Only servers may call this function.')
}

/** What a user showed, for `ctx.as`; or what the function has that acts as them. */
export function userToken({ headers }: FastifyRequest, actor: Actor): string | null {
  if (actor.kind !== 'user') return null
  return readBearer(headers) ?? callChain.getStore()?.token ?? null
}

/** Aborts when the caller has gone before there was an answer. */
export function whenGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.on('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('the caller has gone'))
  })
  return gone.signal
}
