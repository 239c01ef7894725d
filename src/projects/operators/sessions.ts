import type { FastifyReply } from 'fastify'
import type { Config } from '../../config.ts'
import { hashSecret, newId, newSecret } from '../../platform/ids.ts'
import type { ControlPlaneTransaction } from '../../platform/prisma.ts'
import { sessionLifetime } from '../credentials.ts'
import { sessionCookieName } from '../read-credentials.ts'

const lifetimeSeconds = sessionLifetime.absoluteDays * 86_400

/** Returns the token, which is stored as a hash only. Takes the operator's expired sessions away. */
export async function openSession(
  tx: ControlPlaneTransaction,
  operatorId: string,
  userAgent: string | undefined,
): Promise<string> {
  const token = newSecret('op_')
  const now = Date.now()
  await tx.operatorSession.deleteMany({ where: { operatorId, expiresAt: { lt: new Date(now) } } })
  await tx.operatorSession.create({
    data: {
      id: newId(),
      operatorId,
      tokenHash: hashSecret(token),
      userAgent: userAgent?.slice(0, 255) ?? null,
      expiresAt: new Date(now + lifetimeSeconds * 1000),
    },
  })
  return token
}

export function setSessionCookie(reply: FastifyReply, config: Config, token: string): void {
  reply.header('set-cookie', sessionCookie(config, token, lifetimeSeconds))
}

export function clearSessionCookie(reply: FastifyReply, config: Config): void {
  reply.header('set-cookie', sessionCookie(config, '', 0))
}

/** Out of reach of scripts, and not sent along from other sites (RFC 6265bis). */
function sessionCookie({ publicUrl }: Config, value: string, maxAge: number): string {
  const secure = publicUrl.startsWith('https:') ? '; Secure' : ''
  const name = sessionCookieName(publicUrl)
  return `${name}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`
}
