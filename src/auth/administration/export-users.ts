import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { listUsers } from './list-users.ts'

/** All users of the project, one JSON text a line, the newest first. Without hashes. */
export async function* exportUsers(auth: Auth, project: Project): AsyncGenerator<string> {
  let after: string | undefined
  do {
    const page = await listUsers(auth, project, { limit: 500, ...(after !== undefined && { after }) })
    if (page.users.length > 0) yield page.users.map((user) => `${JSON.stringify(user)}\n`).join('')
    after = page.nextCursor ?? undefined
  } while (after !== undefined)
}
