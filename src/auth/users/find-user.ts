import type { Database } from '../../platform/database.ts'
import { Prisma, type User } from '../../platform/generated/client.ts'
import { runStatement } from '../../platform/prisma.ts'
import type { Project } from '../../projects/project.ts'

/** Who has this address, proven or not. Every sign-in by password asks it. */
export async function findUserByEmail(db: Database, project: Project, email: string): Promise<User | null> {
  const [user] = await runStatement<User>(
    db,
    Prisma.sql`
      SELECT
        id,
        project_id AS "projectId",
        email,
        email_verified_at AS "emailVerifiedAt",
        phone,
        phone_verified_at AS "phoneVerifiedAt",
        password_hash AS "passwordHash",
        is_anonymous AS "isAnonymous",
        profile,
        roles,
        claims,
        suspended_at AS "suspendedAt",
        created_at AS "createdAt",
        updated_at AS "updatedAt",
        last_sign_in_at AS "lastSignInAt"
      FROM basalt.users
      WHERE project_id = ${project.id} AND email = ${email}`,
  )
  return user ?? null
}
