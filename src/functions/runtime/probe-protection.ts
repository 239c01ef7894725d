import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import type { Confinement } from './confinement.ts'
import { findConfinement } from './find-confinement.ts'
import { openRunFolder } from './run-folder.ts'
import { findWorkerd } from './workerd-binary.ts'

/** What would stand around functions on this host; nothing is left behind. Undefined: they would not run. */
export async function probeProtection(
  wanted: Config['functionProtection'],
): Promise<Confinement['kind'] | undefined> {
  const program = findWorkerd()
  if (program === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'fn-'))
  try {
    const runFolder = await openRunFolder(folder)
    const { kind } = await findConfinement(program, wanted, runFolder)
    return kind
  } catch {
    return undefined
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
