import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * What stands around a process of functions besides V8's isolates.
 * - `namespaces`: its own user, network, mounts, processes and IPC (Linux). It sees no network interface, no file but
 *   its program, its libraries and its own folder, and has no capability.
 * - `no-new-privileges`: the host forbids namespaces; it can't gain rights, but sees what the server's user sees.
 * - `none`: neither is there (macOS).
 * In all three functions reach files, programs and addresses through nothing but workerd, which offers none.
 */
export interface Confinement {
  readonly kind: 'namespaces' | 'no-new-privileges' | 'none'
  /** What it must see to run. */
  readonly files: readonly string[]
  /** Without a network of its own: a debugger has to get in. */
  readonly sharesNetwork?: boolean
}

/** The folder of a process as the process itself sees it. */
export function innerFolder({ kind }: Confinement, folder: string): string {
  return kind === 'namespaces' ? '/run' : folder
}

// Runs as root of its own user namespace: makes a root of nothing but what workerd needs, gives up every capability
// and becomes workerd. $1 the folder, $2 the program, $3… the files.
const enter = `
set -e
folder=$1 program=$2
shift 2
root=$folder/root
mkdir "$root"
mount -t tmpfs -o mode=0755,nosuid,size=256k root "$root"
mkdir "$root/run" "$root/dev"
for file in /dev/null /dev/urandom "$@"; do
  mkdir -p "$root\${file%/*}"
  : > "$root$file"
  mount --bind "$file" "$root$file"
done
for file in "$@"; do mount -o remount,bind,ro,nosuid "$root$file"; done
mount --bind "$folder" "$root/run"
mount -o remount,ro "$root"
unset PWD OLDPWD
exec chroot "$root" "$setpriv" --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$program" $workerd
`

const namespaces = ['--user', '--map-root-user', '--net', '--ipc', '--uts', '--pid', '--mount', '--fork']
// The kernel ends them with the thread that started them, however that ends.
const dieWithServer = ['--pdeathsig', 'KILL', '--']

/** The command that starts workerd in its folder with these arguments. */
export function confinedCommand(
  { kind, files, sharesNetwork }: Confinement,
  program: string,
  folder: string,
  args: readonly string[],
): { file: string; args: string[]; env: Record<string, string> } {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' }
  switch (kind) {
    case 'namespaces': {
      const own = sharesNetwork === true ? namespaces.filter((each) => each !== '--net') : namespaces
      const script = ['sh', '-c', enter, 'basalt', folder, program, ...files]
      return {
        file: 'setpriv',
        args: [...dieWithServer, 'unshare', ...own, '--kill-child', '--', ...script],
        env: { ...env, setpriv: files[0] ?? '', workerd: args.join(' ') },
      }
    }
    case 'no-new-privileges':
      return { file: 'setpriv', args: ['--no-new-privs', ...dieWithServer, program, ...args], env }
    case 'none':
      return { file: program, args: [...args], env }
  }
}

/**
 * The one that is wanted; `auto` is the strongest that this host can have. Throws when workerd can't run here, or not
 * like that.
 */
export async function chooseConfinement(
  program: string,
  wanted: Confinement['kind'] | 'auto',
  mayRun: (confinement: Confinement) => Promise<boolean>,
): Promise<Confinement> {
  await run(program, ['--version'])
  for (const candidate of await candidatesFor(program)) {
    if (wanted !== 'auto' && wanted !== candidate.kind) continue
    if (candidate.kind === 'none' || (await mayRun(candidate))) return candidate
  }
  throw new Error(`this host does not grant ${wanted}`)
}

/** The strongest first. */
async function candidatesFor(program: string): Promise<Confinement[]> {
  const none: Confinement = { kind: 'none', files: [] }
  if (process.platform !== 'linux') return [none]
  const files = await neededFiles(program).catch(() => undefined)
  return [
    ...(files === undefined ? [] : [{ kind: 'namespaces', files } as const]),
    { kind: 'no-new-privileges', files: [] },
    none,
  ]
}

/** `setpriv` first, then the programs with the libraries that the linker would load for them. */
async function neededFiles(program: string): Promise<string[]> {
  const setpriv = (await run('sh', ['-c', 'command -v setpriv'])).trim()
  const libraries = await Promise.all([setpriv, program].map((file) => run('ldd', [file])))
  const paths = libraries.flatMap((text) => [...text.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path))
  return [...new Set([setpriv, program, ...paths])]
}

async function run(file: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(file, args, { timeout: 10_000 })
  return stdout
}
