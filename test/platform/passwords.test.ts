import argon2 from 'argon2'
import { expect, test } from 'vitest'
import { ApiError } from '../../src/platform/errors.ts'
import { hashPassword, needsRehash, verifyPassword } from '../../src/platform/passwords.ts'

test('hashes are Argon2id with 19 MiB, three passes and one lane', async () => {
  const [, algorithm, version, cost] = (await hashPassword('correct horse')).split('$')
  expect([algorithm, version, cost]).toEqual(['argon2id', 'v=19', 'm=19456,t=3,p=1'])
})

test('a password is the same however its letters are composed', async () => {
  const hash = await hashPassword('caf\u00e9 au lait')
  expect(await verifyPassword(hash, 'cafe\u0301 au lait')).toBe(true)
  expect(await verifyPassword(hash, 'cafe au lait')).toBe(false)
})

test('hashes are those of every other Argon2, of any variant and cost', async () => {
  expect(await argon2.verify(await hashPassword('correct horse'), 'correct horse')).toBe(true)
  const { argon2d, argon2i, argon2id } = argon2
  for (const type of [argon2d, argon2i, argon2id] as const) {
    const cost = { type, memoryCost: 1024, timeCost: 3, parallelism: 2, hashLength: 24 }
    const hash = await argon2.hash('correct horse', cost)
    expect(await verifyPassword(hash, 'correct horse')).toBe(true)
    expect(await verifyPassword(hash, 'correct mule')).toBe(false)
    expect(needsRehash(hash)).toBe(true)
  }
  expect(needsRehash(await hashPassword('correct horse'))).toBe(false)
})

test('work that fails fails alone, and the thread goes on', async () => {
  const impossible = '$argon2id$v=19$m=1,t=1,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA'
  await expect(verifyPassword(impossible, 'x')).rejects.toThrow('Memory')
  await expect(verifyPassword('no hash at all', 'x')).rejects.toThrow('Decoding')
  expect(await verifyPassword(await hashPassword('still works'), 'still works')).toBe(true)
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
