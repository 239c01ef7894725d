import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { EmbeddedPostgresError } from './failure.ts'

/**
 * How PostgreSQL's programs are run, because they refuse to run as root and need a user with a name.
 * - `self`: as the user that runs the server.
 * - `namespace`: in a user namespace where that same user has another number. Files stay the user's own, so
 *   no account is made and nothing changes owner.
 * - `account`: as root, through another account of the system, for hosts that forbid user namespaces.
 */
export type RunAs =
  | { readonly kind: 'self' }
  | { readonly kind: 'namespace'; readonly innerUid: number }
  | { readonly kind: 'account'; readonly name: string; readonly uid: number; readonly gid: number }

interface Account {
  name: string
  uid: number
  gid: number
}

/** A program, its arguments and how to spawn it, ready for `child_process`. */
export interface Command {
  file: string
  args: string[]
  options: { uid?: number; gid?: number; env: { PATH: string; LC_ALL: string }; cwd: string }
}

/** `avoidNamespace` is for tests of the way that hosts without user namespaces take. */
export function chooseRunAs(options: { avoidNamespace: boolean }): RunAs {
  if (process.platform === 'win32') {
    throw new EmbeddedPostgresError(
      'The embedded PostgreSQL does not run on Windows yet: set DATABASE_URL to a PostgreSQL of your own, or use WSL.',
    )
  }
  const root = process.getuid?.() === 0
  if (!root && hasName()) return { kind: 'self' }
  const account = findAccount()
  if (account !== undefined && !options.avoidNamespace) {
    const namespace: RunAs = { kind: 'namespace', innerUid: account.uid }
    if (succeeds(commandFor(namespace, 'true', []))) return namespace
  }
  if (!root) return { kind: 'self' }
  if (account === undefined) {
    throw new EmbeddedPostgresError("PostgreSQL can't run as root, and this system has no other account.")
  }
  return { kind: 'account', ...account }
}

export function commandFor(runAs: RunAs, file: string, args: string[]): Command {
  const options = { env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' }, cwd: '/' }
  switch (runAs.kind) {
    case 'self':
      return { file, args, options }
    case 'namespace': {
      const map = [`--map-user=${runAs.innerUid}`, `--map-group=${runAs.innerUid}`]
      return { file: 'unshare', args: ['--user', ...map, '--', file, ...args], options }
    }
    case 'account':
      return { file, args, options: { ...options, uid: runAs.uid, gid: runAs.gid } }
  }
}

/** Whether a file or folder can be used by PostgreSQL, through every folder above it. */
export function canReach(runAs: RunAs, path: string, access: 'read' | 'write' | 'execute'): boolean {
  const flag = { read: '-r', write: '-w', execute: '-x' }[access]
  return succeeds(commandFor(runAs, 'test', [flag, path]))
}

function succeeds(command: Command): boolean {
  const result = spawnSync(command.file, command.args, { ...command.options, stdio: 'ignore', timeout: 5000 })
  return result.status === 0
}

function hasName(): boolean {
  try {
    return userInfo().username !== ''
  } catch {
    // A number without an entry in the user database, as container platforms assign them.
    return false
  }
}

/** An account to be, the most fitting first. PostgreSQL wants one that has a name. */
function findAccount(): Account | undefined {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]): Account => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((account) => account.uid > 0)
  const preferred = ['basalt', 'postgres', 'nobody']
  return preferred.map((name) => accounts.find((each) => each.name === name)).find(Boolean) ?? accounts[0]
}
