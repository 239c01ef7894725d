/** What a request needs to know of its project; cached on every node and replaced when it changes. */
export interface Project {
  id: string
  /** Its name in addresses: `[a-z][a-z0-9]{7,31}`. Never changes, never used again. */
  ref: string
  organizationId: string
  name: string
  settings: ProjectSettings
}

/** What operators can set for each project; absent means the server's default. */
export interface ProjectSettings {
  cors: {
    /** Exact origins, or `*`. */
    origins: string[]
  }
  limits: {
    /** Requests a second of the whole project. */
    requestsPerSecond: number
    /** Requests a second of one address, for callers without a secret key. */
    requestsPerSecondByAddress: number
  }
  changes: {
    /** How long change records are kept. */
    retentionDays: number
    /** How many megabytes of change records are kept. */
    retentionMegabytes: number
  }
}

/** The PostgreSQL schema that holds everything of the project's documents. */
export function projectSchema(project: Pick<Project, 'ref'>): string {
  return `p_${project.ref}`
}
