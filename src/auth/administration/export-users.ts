import type { Auth } from '../auth.ts'
import { type Administration, auditUser } from './managed-user.ts'
import { listUsers } from './list-users.ts'

/** All users of the project, one JSON text a line, the newest first. Without hashes. */
export async function* exportUsers(auth: Auth, administration: Administration): AsyncGenerator<string> {
  await auth.services.control.$transaction((tx) =>
    auditUser(tx, administration, 'user.export', administration.project.ref),
  )
  let after: string | undefined
  do {
    const page = await listUsers(auth, administration.project, { limit: 500, ...(after && { after }) })
    yield page.users.map((user) => `${JSON.stringify(user)}\n`).join('')
    after = page.nextCursor ?? undefined
  } while (after !== undefined)
}
