import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import Type from 'typebox'
import type { Operator } from '../../platform/generated/client.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Services } from '../../platform/services.ts'
import { operatorRequest } from '../access.ts'
import { acceptInvitation } from '../organizations/accept-invitation.ts'
import type { Projects } from '../projects.ts'
import {
  closed,
  emailSchema,
  nameSchema,
  noContentSchema,
  oneTimeTokenSchema,
  passwordSchema,
  timeSchema,
} from '../schemas.ts'
import { changePassword } from './change-password.ts'
import { clearSessionCookie, setSessionCookie } from './sessions.ts'
import { setUp } from './set-up.ts'
import { signIn, type SignedIn } from './sign-in.ts'

const operatorSchema = Type.Object(
  { id: Type.String(), email: Type.String(), name: Type.String(), createdAt: timeSchema },
  closed,
)
const signedInSchema = Type.Object({ operator: operatorSchema, token: Type.String() }, closed)
const tags = ['Operators']
const open = { access: { door: 'open' } } as const
const signedIn = { access: { door: 'operator' } } as const

export function registerOperatorRoutes(app: HttpServer, services: Services, projects: Projects): void {
  const { config, control } = services

  function answerSignedIn(reply: FastifyReply, { operator, token }: SignedIn): Static<typeof signedInSchema> {
    setSessionCookie(reply, config, token)
    return { operator: presentOperator(operator), token }
  }

  app.post(
    '/v1/operators/setup',
    {
      config: open,
      schema: {
        operationId: 'setUpFirstOperator',
        summary: 'Become the first operator, with the one-time link of the first start',
        tags,
        body: Type.Object(
          {
            token: oneTimeTokenSchema,
            email: emailSchema,
            password: passwordSchema,
            name: Type.Optional(nameSchema),
          },
          closed,
        ),
        response: { 201: signedInSchema },
      },
    },
    async (request, reply) => {
      const done = await setUp(services, projects, request.body, request, request.headers['user-agent'])
      return reply.code(201).send(answerSignedIn(reply, done))
    },
  )

  app.post(
    '/v1/operators/sign-in',
    {
      config: open,
      schema: {
        operationId: 'signInOperator',
        summary: 'Sign in to the console; the token also comes as a cookie',
        tags,
        body: Type.Object({ email: emailSchema, password: Type.String({ maxLength: 128 }) }, closed),
        response: { 200: signedInSchema },
      },
    },
    async (request, reply) => {
      const done = await signIn(services, projects, request.body, request, request.headers['user-agent'])
      return answerSignedIn(reply, done)
    },
  )

  app.post(
    '/v1/operators/invitations/accept',
    {
      config: open,
      schema: {
        operationId: 'acceptInvitation',
        summary: 'Become an operator, with the one-time link of an invitation',
        tags,
        body: Type.Object({ token: oneTimeTokenSchema, name: nameSchema, password: passwordSchema }, closed),
        response: { 201: signedInSchema },
      },
    },
    async (request, reply) => {
      const agent = request.headers['user-agent']
      const done = await acceptInvitation(services, projects, request.body, request, agent)
      return reply.code(201).send(answerSignedIn(reply, done))
    },
  )

  app.post(
    '/v1/operators/sign-out',
    {
      config: signedIn,
      schema: {
        operationId: 'signOutOperator',
        summary: 'End this session',
        tags,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { operator, sessionId } = operatorRequest(request)
      await control.operatorSession.deleteMany({ where: { id: sessionId } })
      projects.credentials.operatorChanged(operator.operatorId)
      clearSessionCookie(reply, config)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/v1/operators/me',
    {
      config: signedIn,
      schema: {
        operationId: 'getCurrentOperator',
        summary: 'Who is signed in',
        tags,
        response: { 200: Type.Object({ operator: operatorSchema }, closed) },
      },
    },
    async (request) => {
      const { operatorId } = operatorRequest(request).operator
      const operator = await control.operator.findUniqueOrThrow({ where: { id: operatorId } })
      return { operator: presentOperator(operator) }
    },
  )

  app.post(
    '/v1/operators/me/password',
    {
      config: signedIn,
      schema: {
        operationId: 'changeOperatorPassword',
        summary: 'Change the own password; ends all other sessions',
        tags,
        body: Type.Object(
          { currentPassword: Type.String({ maxLength: 128 }), newPassword: passwordSchema },
          closed,
        ),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      await changePassword(services, projects, operatorRequest(request), request.body, request)
      return reply.code(204).send(null)
    },
  )
}

function presentOperator({ id, email, name, createdAt }: Operator): Static<typeof operatorSchema> {
  return { id, email, name, createdAt: createdAt.toISOString() }
}
