import type { Project } from '../../projects/project.ts'
import { quoteId } from '../../platform/sql.ts'

/**
 * Users as documents: what rules and `include` see of them. The same names as in the answers of `/auth/me`; no hash.
 * One view for all projects, so that a new version of it touches one object and not ten thousand.
 */
export const usersRelationSql = `
  DROP VIEW IF EXISTS basalt.user_documents;
  CREATE VIEW basalt.user_documents AS
  SELECT
    project_id,
    id,
    jsonb_build_object(
      'email', email,
      'isEmailVerified', email_verified_at IS NOT NULL,
      'phone', phone,
      'isPhoneVerified', phone_verified_at IS NOT NULL,
      'isAnonymous', is_anonymous,
      'isSuspended', suspended_at IS NOT NULL,
      'profile', profile,
      'roles', to_jsonb(coalesce(roles, '{}')),
      'claims', claims
    ) AS data,
    (extract(epoch FROM updated_at) * 1000)::bigint AS version,
    to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') COLLATE "C" AS created_at,
    to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') COLLATE "C" AS updated_at
  FROM basalt.users
`

/** Stands where a collection's table stands: the users of one project, and no way to those of another. */
export function usersTable({ id }: Pick<Project, 'id'>): string {
  return `(SELECT * FROM basalt.user_documents WHERE project_id = ${quoteId(id)})`
}
