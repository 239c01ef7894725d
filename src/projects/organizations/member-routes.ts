import type { Static } from 'typebox'
import Type from 'typebox'
import type { Invitation, Membership, Operator } from '../../platform/generated/client.ts'
import type { OrganizationRole } from '../../platform/generated/enums.ts'
import type { HttpServer } from '../../platform/http-server.ts'
import type { Services } from '../../platform/services.ts'
import { operatorRequest } from '../access.ts'
import type { Projects } from '../projects.ts'
import { organizationRoles } from '../roles.ts'
import { closed, emailSchema, idSchema, noContentSchema, timeSchema } from '../schemas.ts'
import { addMember } from './add-member.ts'
import { changeMemberRole } from './change-member-role.ts'
import { removeMember } from './remove-member.ts'
import { revokeInvitation } from './revoke-invitation.ts'

const roleSchema = Type.Enum(organizationRoles)
const memberSchema = Type.Object(
  {
    operatorId: Type.String(),
    email: Type.String(),
    name: Type.String(),
    role: roleSchema,
    createdAt: timeSchema,
  },
  closed,
)
const invitationSchema = Type.Object(
  { id: Type.String(), email: Type.String(), role: roleSchema, createdAt: timeSchema, expiresAt: timeSchema },
  closed,
)
const orgParams = Type.Object({ org: Type.String() })
const memberParams = Type.Object({ org: Type.String(), operatorId: idSchema })
const tags = ['Organizations']
const maxListed = 500

function as(role: OrganizationRole) {
  return { access: { door: 'organization', role } } as const
}

export function registerMemberRoutes(app: HttpServer, services: Services, projects: Projects): void {
  const { control } = services

  app.get(
    '/v1/organizations/:org/members',
    {
      config: as('viewer'),
      schema: {
        operationId: 'listMembers',
        summary: 'Members and open invitations',
        tags,
        params: orgParams,
        response: {
          200: Type.Object(
            { members: Type.Array(memberSchema), invitations: Type.Array(invitationSchema) },
            closed,
          ),
        },
      },
    },
    async (request) => {
      const where = { organizationId: request.params.org }
      const members = await control.membership.findMany({
        where,
        include: { operator: true },
        orderBy: { createdAt: 'asc' },
        take: maxListed,
      })
      const invitations = await control.invitation.findMany({
        where,
        orderBy: { id: 'asc' },
        take: maxListed,
      })
      return { members: members.map(presentMember), invitations: invitations.map(presentInvitation) }
    },
  )

  app.post(
    '/v1/organizations/:org/members',
    {
      config: as('admin'),
      schema: {
        operationId: 'addMember',
        summary: 'Add an operator by e-mail, or get a one-time link that invites a new one',
        tags,
        params: orgParams,
        body: Type.Object({ email: emailSchema, role: roleSchema }, closed),
        response: {
          201: Type.Object(
            {
              member: Type.Optional(memberSchema),
              invitation: Type.Optional(invitationSchema),
              link: Type.Optional(Type.String({ description: 'Shown once. Send it to the invited person.' })),
            },
            closed,
          ),
        },
      },
    },
    async (request, reply) => {
      const { operator } = operatorRequest(request)
      const input = { ...request.body, organizationId: request.params.org }
      const added = await addMember(services, projects, operator, input, request)
      reply.code(201)
      return added.kind === 'member'
        ? { member: presentMember(added.member) }
        : { invitation: presentInvitation(added.invitation), link: added.link }
    },
  )

  app.patch(
    '/v1/organizations/:org/members/:operatorId',
    {
      config: as('admin'),
      schema: {
        operationId: 'changeMemberRole',
        summary: 'Change the role of a member',
        tags,
        params: memberParams,
        body: Type.Object({ role: roleSchema }, closed),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { org: organizationId, operatorId } = request.params
      const input = { organizationId, operatorId, role: request.body.role }
      await changeMemberRole(services, projects, operatorRequest(request).operator, input, request)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/v1/organizations/:org/members/:operatorId',
    {
      config: as('viewer'),
      schema: {
        operationId: 'removeMember',
        summary: 'Leave, or remove a member',
        tags,
        params: memberParams,
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { org: organizationId, operatorId } = request.params
      const whom = { organizationId, operatorId }
      await removeMember(services, projects, operatorRequest(request).operator, whom, request)
      return reply.code(204).send(null)
    },
  )

  app.delete(
    '/v1/organizations/:org/invitations/:id',
    {
      config: as('admin'),
      schema: {
        operationId: 'revokeInvitation',
        summary: 'Take an invitation back',
        tags,
        params: Type.Object({ org: Type.String(), id: idSchema }),
        response: { 204: noContentSchema },
      },
    },
    async (request, reply) => {
      const { org: organizationId, id } = request.params
      await revokeInvitation(services, operatorRequest(request).operator, { organizationId, id }, request)
      return reply.code(204).send(null)
    },
  )
}

function presentMember(row: Membership & { operator: Operator }): Static<typeof memberSchema> {
  const { operatorId, role, createdAt, operator } = row
  return { operatorId, email: operator.email, name: operator.name, role, createdAt: createdAt.toISOString() }
}

function presentInvitation(row: Invitation): Static<typeof invitationSchema> {
  const { id, email, role, createdAt, expiresAt } = row
  return { id, email, role, createdAt: createdAt.toISOString(), expiresAt: expiresAt.toISOString() }
}
