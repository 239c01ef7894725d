import type { Auth } from '../auth.ts'

const batchRows = 5_000

/** Deletes what is over: nobody sees it any more, and a refused refresh token is refused without it too. */
export async function trimSessions({ services: { db } }: Pick<Auth, 'services'>): Promise<void> {
  for (;;) {
    const { rowCount } = await db.query(trimSessionsSql, [batchRows])
    if ((rowCount ?? 0) < batchRows) return
  }
}

const trimSessionsSql = `
  DELETE FROM basalt.user_sessions
  WHERE id IN (
    SELECT id
    FROM basalt.user_sessions
    WHERE idle_at < now() OR expires_at < now()
    LIMIT $1
  )`
