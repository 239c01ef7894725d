import type { Config } from '../../config.ts'
import { chooseConfinement, type Confinement } from './confinement.ts'
import type { RunFolder } from './run-folder.ts'
import { canStart } from './start-workerd.ts'

const heapMegabytes = 64

/** How processes of functions are confined here: tried out with workerd itself. Throws when they don't run. */
export function findConfinement(
  program: string,
  wanted: Config['functionProtection'],
  runFolder: RunFolder,
): Promise<Confinement> {
  return chooseConfinement(program, wanted, (confinement) =>
    canStart({ program, confinement, runFolder, heapMegabytes }),
  )
}
