import { importPKCS8, SignJWT } from 'jose'

/**
 * Apple's client secret is a JWT that the team's key signs.
 * https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 */
export async function appleClientSecret(
  { clientId, teamId, keyId }: { clientId: string; teamId?: string; keyId?: string },
  privateKey: string,
): Promise<string> {
  if (teamId === undefined || keyId === undefined) throw new Error('Apple needs teamId and keyId')
  return (
    new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience('https://appleid.apple.com')
      .setIssuedAt()
      // Clients are made anew every hour.
      .setExpirationTime('2h')
      .sign(await importPKCS8(privateKey, 'ES256'))
  )
}
