import { resealAuthSecrets } from './auth/reseal-secrets.ts'
import { resealFunctionSecrets } from './functions/secrets/secrets.ts'
import type { MasterKeys } from './platform/master-key.ts'
import type { ControlPlaneTransaction } from './platform/prisma.ts'
import { createSecretBox } from './platform/secret-box.ts'

/** Everything in the database that is encrypted, encrypted with the current master key. */
export async function resealSecrets(tx: ControlPlaneTransaction, keys: MasterKeys): Promise<void> {
  await resealAuthSecrets(tx, createSecretBox(keys, 'auth'))
  await resealFunctionSecrets(tx, createSecretBox(keys, 'functions'))
}
