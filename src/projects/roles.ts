import type { OrganizationRole } from '../platform/generated/enums.ts'

const rank: Record<OrganizationRole, number> = { viewer: 0, developer: 1, admin: 2, owner: 3 }

/** From the least to the most. */
export const organizationRoles = ['viewer', 'developer', 'admin', 'owner'] as const

/** Whether `role` may do what `needed` may. Nobody grants or touches a role above their own. */
export function hasRole(role: OrganizationRole, needed: OrganizationRole): boolean {
  return rank[role] >= rank[needed]
}
