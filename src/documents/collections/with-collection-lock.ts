import type pg from 'pg'
import type { Database } from '../../platform/database.ts'
import { ApiError } from '../../platform/errors.ts'
import type { Project } from '../../projects/project.ts'
import type { Documents } from '../documents.ts'

/** A connection that holds the lock, without a limit on the time of its statements. */
export type LockedSession = Pick<pg.ClientBase, 'query'>

/**
 * Lets one declaration of a collection happen at a time, on all nodes together. The lock is a session's, not a
 * transaction's, since indexes that don't block writes can't be built inside a transaction.
 * Throws 409 when another declaration is under way.
 */
export async function withCollectionLock<T>(
  { longSessions, services }: Documents,
  project: Project,
  name: string,
  work: (session: LockedSession) => Promise<T>,
): Promise<T> {
  return longSessions(() => lockAndWork(services.db, project, name, work))
}

async function lockAndWork<T>(
  db: Database,
  project: Project,
  name: string,
  work: (session: LockedSession) => Promise<T>,
): Promise<T> {
  const session = await db.connect()
  let isLocked = false
  let broken = false
  try {
    const key = `collection ${project.id} ${name}`
    const { rows } = await session.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
      [key],
    )
    isLocked = rows[0]?.locked === true
    if (!isLocked)
      throw new ApiError('conflict', `The collection ${name} is being changed already.`, {
        retryAfterSeconds: 2,
      })
    // A large collection's index takes minutes; the limit on statements is for requests that read and write.
    await session.query('SET statement_timeout = 0')
    return await work(session)
  } finally {
    if (isLocked) {
      await session.query('RESET statement_timeout; SELECT pg_advisory_unlock_all()').catch(() => {
        broken = true
      })
    }
    session.release(broken)
  }
}
