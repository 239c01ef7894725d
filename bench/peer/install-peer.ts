import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Installs what `bench/peers/<name>/package.json` pins, and `extra`, there and nowhere else; gives back where. */
export function installPeer(name: string, extra: string[] = []): string {
  const folder = fileURLToPath(new URL(`../peers/${name}`, import.meta.url))
  // Not as a workspace of the project, and without the scripts of some hundred packages that nobody has read.
  const flags = [
    '--workspaces=false',
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--prefer-offline',
  ]
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['install', ...flags, ...quiet, ...extra], { cwd: folder, stdio: 'inherit' })
  return folder
}
