import { hashSecret, newSecret } from '../../platform/ids.ts'
import { hashPassword } from '../../platform/passwords.ts'
import type { Services } from '../../platform/services.ts'
import { adoptOrganizations, createOperator } from './create-operator.ts'

/**
 * Sees to it that somebody can sign in. Without any operator, makes the one that the environment names;
 * otherwise returns the one-time link at which a person becomes the first operator. Links of earlier starts end.
 * Null when there is an operator.
 */
export async function ensureFirstOperator({ config, control }: Services): Promise<string | null> {
  if ((await control.operator.count()) > 0) return null
  if (config.operator !== undefined) {
    const { email, password } = config.operator
    const passwordHash = await hashPassword(password)
    await control.$transaction(async (tx) => {
      const operator = await createOperator(tx, { email, name: email, passwordHash })
      if (operator !== null) await adoptOrganizations(tx, operator.id)
      await tx.setupToken.deleteMany()
    })
    return null
  }
  const token = newSecret('su_')
  await control.$transaction([
    control.setupToken.deleteMany(),
    control.setupToken.create({ data: { tokenHash: hashSecret(token) } }),
  ])
  // After the #: a browser doesn't send it to any server, so it is in no log.
  return `${config.publicUrl}/console/setup#token=${token}`
}
