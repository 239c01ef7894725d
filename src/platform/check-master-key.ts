import { createHmac } from 'node:crypto'
import type { MasterKeys } from './master-key.ts'
import type { Nodes } from './nodes.ts'
import type { ControlPlane, ControlPlaneTransaction } from './prisma.ts'

/** This node would write secrets that the others can't read, in words for whoever starts it. */
class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError'
}

// Some hundred thousand secrets.
const resealWithinMs = 600_000

/**
 * The first node leaves the fingerprint of its master key in the database; every later start must have the same.
 * Throws a `MasterKeyError` otherwise: sessions would end and secrets be lost bit by bit, and nobody would know why.
 * Where the database has the fingerprint of the previous key, all secrets are encrypted anew and the fingerprint is
 * replaced, both or neither. Answers whether that was so.
 */
export async function checkMasterKey(
  control: ControlPlane,
  nodes: Nodes,
  keys: MasterKeys,
  reseal: (tx: ControlPlaneTransaction) => Promise<void>,
): Promise<boolean> {
  const fingerprint = fingerprintOf(keys.current)
  await control.installation.createMany({
    data: [{ masterKeyFingerprint: fingerprint }],
    skipDuplicates: true,
  })
  return control.$transaction(
    async (tx) => {
      await tx.$queryRaw`SELECT id FROM basalt.installation WHERE id = 1 FOR UPDATE`
      const { masterKeyFingerprint } = await tx.installation.findUniqueOrThrow({ where: { id: 1 } })
      if (masterKeyFingerprint === fingerprint) return false
      if (keys.previous === undefined || masterKeyFingerprint !== fingerprintOf(keys.previous)) {
        throw new MasterKeyError(
          'The secrets in this database were encrypted with another master key. Set BASALT_MASTER_KEY to that one, the same on every node; a node that made its own keeps it in the file master-key of its data folder.',
        )
      }
      if (nodes.others.size > 0) {
        throw new MasterKeyError(
          'Other nodes run with the previous master key, or did so a moment ago: stop them all before the first is started with the new one.',
        )
      }
      await reseal(tx)
      await tx.installation.update({ where: { id: 1 }, data: { masterKeyFingerprint: fingerprint } })
      return true
    },
    { timeout: resealWithinMs },
  )
}

function fingerprintOf(masterKey: Buffer): string {
  return createHmac('sha256', masterKey).update('basalt fingerprint').digest('base64url')
}
