import type { ControlPlaneTransaction } from '../platform/prisma.ts'
import type { SecretBox } from '../platform/secret-box.ts'

/** Encrypts anew what is kept of projects and their users, after the master key was changed. */
export async function resealAuthSecrets(tx: ControlPlaneTransaction, box: SecretBox): Promise<void> {
  const reseal = (sealed: string, context: string): string => box.seal(box.open(sealed, context), context)
  for (const { id, projectId, privateJwk } of await tx.signingKey.findMany()) {
    await tx.signingKey.update({ where: { id }, data: { privateJwk: reseal(privateJwk, projectId) } })
  }
  for (const { projectId, secrets } of await tx.authSettings.findMany()) {
    if (secrets === null) continue
    await tx.authSettings.update({ where: { projectId }, data: { secrets: reseal(secrets, projectId) } })
  }
  // Recovery codes are hashed: they are recognised for as long as the previous key is known.
  for (const { id, userId, secret } of await tx.factor.findMany({ where: { kind: 'totp' } })) {
    await tx.factor.update({ where: { id }, data: { secret: reseal(secret, userId) } })
  }
}
