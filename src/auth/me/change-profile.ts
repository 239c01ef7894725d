import type { UserActor } from '../../projects/actor.ts'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { checkJson, maxBytes } from '../check-json.ts'
import { notSignedIn } from '../errors.ts'
import { mergeJson } from '../merge-json.ts'

/** Merges what users say of themselves (RFC 7396: null removes). */
export async function changeProfile(
  { services }: Auth,
  project: Project,
  { uid }: UserActor,
  patch: Readonly<Record<string, unknown>>,
): Promise<void> {
  await services.control.$transaction(async (tx) => {
    // Two patches at once must both last.
    await tx.$executeRaw`SELECT FROM basalt.users WHERE id = ${uid} FOR UPDATE`
    const user = await tx.user.findUnique({ where: { id: uid, projectId: project.id } })
    if (user === null) throw notSignedIn()
    const profile = mergeJson(user.profile, patch)
    checkJson(profile, 'profile', maxBytes.profile)
    await tx.user.update({ where: { id: uid }, data: { profile } })
  })
}
