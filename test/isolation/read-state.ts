import type { Database } from '../../src/platform/database.ts'
import type { Victim } from './victim.ts'

/**
 * A digest of everything that belongs to somebody: their project's schema with its tables and indexes, and each row
 * of the control plane that names them. Without what merely notes that it was used or read.
 */
export async function readState(db: Database, victim: Victim): Promise<string> {
  const names = [victim.projectId, victim.organizationId, victim.ownerId, victim.memberId]
  const { rows } = await db.query<{ state: string }>(
    `SELECT md5(
       (SELECT coalesce(string_agg(indexdef, E'\\n' ORDER BY indexdef), '')
        FROM pg_indexes
        WHERE schemaname = $1)
       || coalesce(string_agg(content, E'\\n' ORDER BY name), '')
     ) AS state
     FROM (
       SELECT schemaname || '.' || tablename AS name,
              tablename || query_to_xml(
                format(
                  'SELECT (to_jsonb(t) - ''last_used_at'')::text AS row
                   FROM %I.%I AS t
                   WHERE (%L OR to_jsonb(t)::text ~ %L)
                     AND to_jsonb(t) ->> ''action'' IS DISTINCT FROM ''user.export''
                   ORDER BY 1',
                  schemaname, tablename, schemaname = $1, $2::text
                ), TRUE, FALSE, ''
              )::text AS content
       FROM pg_tables
       WHERE schemaname IN ('basalt', $1)
         AND tablename NOT IN ('rate_usage', 'function_usage', 'function_logs')
     ) AS tables`,
    [`p_${victim.ref}`, names.join('|')],
  )
  return rows[0]?.state ?? ''
}
