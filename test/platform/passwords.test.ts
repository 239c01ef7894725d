import { expect, test } from 'vitest'
import { ApiError } from '../../src/platform/errors.ts'
import { hashPassword, verifyPassword } from '../../src/platform/passwords.ts'

test('hashes are Argon2id with at least 19 MiB, two passes and one lane', async () => {
  const [, algorithm, version, cost] = (await hashPassword('correct horse')).split('$')
  expect([algorithm, version]).toEqual(['argon2id', 'v=19'])
  expect(cost?.split(',').toSorted()).toEqual(['m=19456', 'p=1', 't=2'])
})

test('a password is the same however its letters are composed', async () => {
  const hash = await hashPassword('caf\u00e9 au lait')
  expect(await verifyPassword(hash, 'cafe\u0301 au lait')).toBe(true)
  expect(await verifyPassword(hash, 'cafe au lait')).toBe(false)
})

test('nobody has no password', async () => {
  expect(await verifyPassword(null, '')).toBe(false)
})

test('a burst waits in a bounded queue; what does not fit is told to come again', async () => {
  const settled = await Promise.allSettled(Array.from({ length: 80 }, () => verifyPassword(null, 'x')))
  const refused = settled.filter((each) => each.status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThan(20)
  for (const { reason } of refused) {
    expect(reason).toBeInstanceOf(ApiError)
    expect(reason).toMatchObject({ status: 503, retryAfterSeconds: 2 })
  }
  expect(await verifyPassword(await hashPassword('still works'), 'still works')).toBe(true)
})
