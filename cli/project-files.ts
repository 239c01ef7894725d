/** The files of a folder that say what a project is, and the export that each of them must have. */
export const projectFiles = {
  schema: 'schema.ts',
  channels: 'channels.ts',
  settings: 'settings.ts',
} as const

/** Each file right in it is a function. */
export const functionsFolder = 'functions'

export type ProjectPart = keyof typeof projectFiles

export const projectParts = ['schema', 'channels', 'settings'] as const satisfies ProjectPart[]

/** A fault with its place, as an editor's terminal understands it: `schema.ts:12:5`. */
export interface PlacedFault {
  message: string
  /** Absolute. */
  file?: string | undefined
  line?: number | undefined
  column?: number | undefined
}

/** What the process that loads a folder's modules tells. */
export interface LoadedModules {
  /** Of each file that is there, what it exports. Functions are called with the environment's name. */
  parts: Partial<Record<ProjectPart, unknown>>
  /** Every file that had a part in it, but for those of packages. */
  files: string[]
  faults: PlacedFault[]
}
