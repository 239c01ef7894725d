import { createHmac } from 'node:crypto'
import type { ControlPlane } from './prisma.ts'

/** This node would write secrets that the others can't read, in words for whoever starts it. */
class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError'
}

/**
 * The first node leaves the fingerprint of its master key in the database; every later start must have the same.
 * Throws a `MasterKeyError` otherwise: sessions would end and secrets be lost bit by bit, and nobody would know why.
 */
export async function checkMasterKey(control: ControlPlane, masterKey: Buffer): Promise<void> {
  const fingerprint = createHmac('sha256', masterKey).update('basalt fingerprint').digest('base64url')
  await control.installation.createMany({
    data: [{ masterKeyFingerprint: fingerprint }],
    skipDuplicates: true,
  })
  const { masterKeyFingerprint } = await control.installation.findUniqueOrThrow({ where: { id: 1 } })
  if (masterKeyFingerprint === fingerprint) return
  throw new MasterKeyError(
    'The secrets in this database were encrypted with another master key. Set BASALT_MASTER_KEY to that one, the same on every node; a node that made its own keeps it in the file master-key of its data folder.',
  )
}
