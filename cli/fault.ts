/** Something that whoever sits at the terminal can put right. It is printed without a stack. */
export class CliFault extends Error {
  /** 1: it did not work out. 2: the command was not understood. */
  readonly exitCode: 1 | 2

  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.exitCode = options.exitCode ?? 1
  }
}

/** The command line itself is wrong. */
export function wrongUsage(message: string): CliFault {
  return new CliFault(message, { exitCode: 2 })
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
