import Type, { type Static } from 'typebox'
import type { Mail } from '../../platform/generated/client.ts'
import type { Actor } from '../../projects/actor.ts'
import { hasRole } from '../../projects/roles.ts'
import { closed, timeSchema } from '../../projects/schemas.ts'

const nullableText = Type.Union([Type.String(), Type.Null()])
const nullableTime = Type.Union([timeSchema, Type.Null()])

export const mailSchema = Type.Object(
  {
    id: Type.String(),
    recipient: Type.String(),
    template: Type.String(),
    state: Type.Enum(['sent', 'waiting', 'failed', 'kept'], {
      description:
        'Waiting: it is tried (again); failed: given up; kept: there is no server to send it with.',
    }),
    subject: nullableText,
    text: nullableText,
    html: nullableText,
    createdAt: timeSchema,
    sentAt: nullableTime,
    nextAttemptAt: nullableTime,
    attempts: Type.Integer(),
    error: nullableText,
  },
  closed,
)

type ShownMail = Static<typeof mailSchema>

/** What stands in a mail is shown while it waits, and to those who may change users. */
export function presentMail(row: Mail, actor: Actor): ShownMail {
  const { id, recipient, template, attempts, error } = row
  const isReadable = row.sentAt === null && mayReadCodes(actor)
  return {
    id,
    recipient,
    template,
    state: stateOf(row),
    subject: isReadable ? row.subject : null,
    text: isReadable ? row.text : null,
    html: isReadable ? row.html : null,
    createdAt: row.createdAt.toISOString(),
    sentAt: row.sentAt?.toISOString() ?? null,
    nextAttemptAt: row.nextAttemptAt?.toISOString() ?? null,
    attempts,
    error,
  }
}

function stateOf({ sentAt, nextAttemptAt, error }: Mail): ShownMail['state'] {
  if (sentAt !== null) return 'sent'
  if (nextAttemptAt !== null) return 'waiting'
  return error === null ? 'kept' : 'failed'
}

/** A code opens the account that it was sent for, so reading one is no reading. */
function mayReadCodes(actor: Actor): boolean {
  switch (actor.kind) {
    case 'key':
    case 'function':
      return actor.scopes.includes('*') || actor.scopes.includes('users:write')
    case 'operator':
      return actor.role !== null && hasRole(actor.role, 'developer')
    case 'anonymous':
    case 'user':
      return false
  }
}
