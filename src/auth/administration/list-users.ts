import type { Prisma } from '../../platform/generated/client.ts'
import { invalidValue } from '../../platform/errors.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { normaliseEmail } from '../users/create-user.ts'
import { presentManagedUser, withDetails } from './managed-user.ts'
import type { UserListQuery } from './schemas.ts'

// Counting reads every row that it counts.
export const maxCounted = 10_000

/** A page of the project's users, the newest first. */
export async function listUsers({ services }: Auth, project: Project, query: UserListQuery) {
  const { limit, after } = query
  const where = matching(project, query)
  const rows = await services.control.user.findMany({
    where: { ...where, ...(after !== undefined && { AND: afterCursor(after) }) },
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    take: limit + 1,
    include: withDetails,
  })
  const shown = rows.slice(0, limit)
  const last = rows.length > limit ? shown.at(-1) : undefined
  return {
    users: shown.map(presentManagedUser),
    nextCursor: last === undefined ? null : `${last.createdAt.getTime()}_${last.id}`,
    ...(query.count === true && { count: await services.control.user.count({ where, take: maxCounted }) }),
  }
}

function matching(
  project: Project,
  { email, phone, id, suspended, anonymous, role }: UserListQuery,
): Prisma.UserWhereInput {
  return {
    projectId: project.id,
    ...(email !== undefined && { email: { startsWith: escapeLike(normaliseEmail(email)) } }),
    ...(phone !== undefined && { phone: { startsWith: escapeLike(phone) } }),
    ...(id !== undefined && { id }),
    ...(suspended !== undefined && { suspendedAt: suspended ? { not: null } : null }),
    ...(anonymous !== undefined && { isAnonymous: anonymous }),
    ...(role !== undefined && { roles: { has: role } }),
  }
}

/** Times alone don't tell users apart that an import made within one millisecond. */
function afterCursor(cursor: string): Prisma.UserWhereInput {
  const [, time, id] = /^(\d{1,15})_([A-Za-z0-9_-]{1,64})$/.exec(cursor) ?? []
  if (time === undefined || id === undefined) throw invalidValue('after', 'is not a cursor of this list')
  const createdAt = new Date(Number(time))
  return {
    createdAt: { lte: createdAt },
    OR: [{ createdAt: { lt: createdAt } }, { createdAt, id: { lt: id } }],
  }
}

function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, String.raw`\$&`)
}
