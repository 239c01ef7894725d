import { expect, test } from 'vitest'
import { VerifiedTokens } from '../../src/auth/sessions/verified-tokens.ts'

const found = (uid: string) => ({ uid, sessionId: `of ${uid}`, projectId: 'one', expiresAt: 0 })

test('a token is found as what it is, and no other token as it', () => {
  const tokens = new VerifiedTokens(10)
  tokens.set('header.payload.signature', found('ada'))
  expect(tokens.get('header.payload.signature')).toEqual(found('ada'))
  for (const other of ['header.Payload.signature', 'signature', 'ture', '', 'header.payload.signaturE'])
    expect(tokens.get(other)).toBeUndefined()
})

test('of two tokens that end alike the later is remembered, and the earlier is not taken for it', () => {
  const tokens = new VerifiedTokens(10)
  tokens.set('first.signature', found('ada'))
  tokens.set('second.signature', found('bea'))
  expect(tokens.get('first.signature')).toBeUndefined()
  expect(tokens.get('second.signature')).toEqual(found('bea'))
})

test('the oldest is forgotten for the newest', () => {
  const tokens = new VerifiedTokens(2)
  for (const end of ['aaaaa', 'bbbbb', 'ccccc']) tokens.set(`token.${end}`, found(end))
  expect(tokens.get('token.aaaaa')).toBeUndefined()
  expect(tokens.get('token.bbbbb')).toEqual(found('bbbbb'))
  expect(tokens.get('token.ccccc')).toEqual(found('ccccc'))
  tokens.delete('token.ccccc')
  expect(tokens.get('token.ccccc')).toBeUndefined()
})
