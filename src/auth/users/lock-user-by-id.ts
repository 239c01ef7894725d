import type { User } from '../../platform/generated/client.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'

/**
 * The user as they are now; nobody else changes them until COMMIT. Take it before the rows of what is theirs, as those
 * do who take a user's ways in away: a session is then opened either before that, and ends with it, or not at all.
 */
export async function lockUserById(tx: ControlPlaneTransaction, id: string): Promise<User | null> {
  await tx.$executeRaw`SELECT FROM basalt.users WHERE id = ${id} FOR UPDATE`
  return tx.user.findUnique({ where: { id } })
}
