import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { newId } from '../../platform/ids.ts'
import { LookupCache } from '../../platform/lookup-cache.ts'
import type { SecretBox } from '../../platform/secret-box.ts'
import type { Services } from '../../platform/services.ts'
import type { Project } from '../../projects/project.ts'

export const algorithm = 'ES256'

// After this a key only verifies; and as long again as a token lives, and clocks may differ, it still does.
const verifiesAfterRetirementMs = 20 * 60_000

interface SigningKey {
  id: string
  publicJwk: JWK
  verify: CryptoKey
  /** Null when the key is retired: it verifies what it has signed. */
  sign: CryptoKey | null
}

/** The keys of a project that may have signed a token which is still valid, the newest first. */
interface ProjectKeys {
  projectId: string
  keys: readonly SigningKey[]
}

/** The projects' keys for access tokens, each project its own. */
export interface SigningKeys {
  /** Makes the first key when there is none. */
  of(project: Project): Promise<ProjectKeys>
  /** A new key signs from now on; tokens of the old one stay valid until they end. */
  rotate(project: Project): Promise<void>
}

const topic = 'signing-keys'

export function createSigningKeys(services: Services, box: SecretBox): SigningKeys {
  const { control, bus } = services
  const cache = new LookupCache<ProjectKeys>({
    maxEntries: 5_000,
    read: (projectId) => readKeys(services, box, projectId),
  })
  bus.subscribe(topic, (projectId) => cache.forget((found) => found.projectId === projectId))
  bus.onReset(() => cache.clear())

  return {
    async of(project) {
      const known = cache.get(project.id)
      const found = known === undefined ? await cache.load(project.id) : await known
      if (found !== null && found.keys.some(({ sign }) => sign !== null)) return found
      await addKey(services, box, project.id, false)
      bus.publish(topic, project.id)
      const made = await cache.load(project.id)
      if (made === null) throw new Error('the signing key that was made is gone')
      return made
    },
    async rotate(project) {
      await addKey(services, box, project.id, true)
      await control.signingKey.deleteMany({
        where: { projectId: project.id, retiredAt: { lt: new Date(Date.now() - verifiesAfterRetirementMs) } },
      })
      bus.publish(topic, project.id)
    },
  }
}

/** Retires the others when rotating; else makes one only if no other node was faster. */
async function addKey(
  { control }: Services,
  box: SecretBox,
  projectId: string,
  isRotation: boolean,
): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const privateJwk = box.seal(JSON.stringify(await exportJWK(privateKey)), projectId)
  await control.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM basalt.projects WHERE id = ${projectId} FOR UPDATE`
    const active = { projectId, retiredAt: null }
    if (isRotation) await tx.signingKey.updateMany({ where: active, data: { retiredAt: new Date() } })
    else if ((await tx.signingKey.count({ where: active })) > 0) return
    const { kty = 'EC', crv = 'P-256', x = '', y = '' } = publicJwk
    await tx.signingKey.create({
      data: { id: newId(), projectId, publicJwk: { kty, crv, x, y }, privateJwk },
    })
  })
}

async function readKeys(
  { control }: Services,
  box: SecretBox,
  projectId: string,
): Promise<ProjectKeys | null> {
  const since = new Date(Date.now() - verifiesAfterRetirementMs)
  const rows = await control.signingKey.findMany({
    where: { projectId, OR: [{ retiredAt: null }, { retiredAt: { gt: since } }] },
    orderBy: { id: 'desc' },
  })
  if (rows.length === 0) return null
  const keys = await Promise.all(
    rows.map(async ({ id, publicJwk, privateJwk, retiredAt }) => {
      const jwk = publicJwk as JWK
      const sign = retiredAt === null ? await importEc(JSON.parse(box.open(privateJwk, projectId))) : null
      return {
        id,
        publicJwk: { ...jwk, kid: id, alg: algorithm, use: 'sig' },
        verify: await importEc(jwk),
        sign,
      }
    }),
  )
  return { projectId, keys }
}

async function importEc(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, algorithm)
  if (key instanceof Uint8Array) throw new Error('not an asymmetric key')
  return key
}
