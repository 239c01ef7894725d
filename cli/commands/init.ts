import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Command } from '../command.ts'
import { configFile } from '../environments.ts'
import { CliFault, messageOf } from '../fault.ts'
import { version } from '../package-root.ts'
import { templates } from '../templates.ts'
import { paint, print } from '../terminal.ts'

export const init: Command = {
  usage: 'init [folder]',
  summary: 'make a folder that holds a project as code',
  about: `Writes ${configFile}, schema.ts, channels.ts, settings.ts, functions and tests, here or into a new folder.
Files that are there already stay as they are.`,
  options: {},
  optionHelp: {},
  maxPositionals: 1,
  async run({ positionals }) {
    const folder = resolve(positionals[0] ?? '.')
    const name = packageName(basename(folder))
    const written = new Map<string, boolean>()
    for (const [file, text] of templates({ name, version: version(), project: refOf(name) })) {
      const isNew = await writeNew(join(folder, file), text)
      if (!isNew && file === configFile)
        throw new CliFault(`${folder} is a folder of Basalt already. \`basalt dev\` runs it.`)
      written.set(file, isNew)
    }
    for (const [file, isNew] of written)
      print(isNew ? `${paint('green', '+')} ${file}` : paint('dim', `  ${file} was there`))
    const here = relative(process.cwd(), folder)
    print('\nNext:')
    if (here !== '') print(`  cd ${here}`)
    print(
      written.get('package.json') === true
        ? '  npm install'
        : '  npm install @basalt/client && npm install --save-dev basalt vitest',
    )
    print('  npx basalt dev     starts a server, and deploys on every save')
    print('  npx vitest         runs the test, in a second terminal')
    if (written.get('.gitignore') !== true)
      print(
        '\nSee to it that .gitignore names .basalt/ and .env.local: secrets of your own server are in there.',
      )
    return 0
  },
}

/** False where there is a file already. */
async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw new CliFault(`${path} can't be written: ${messageOf(error)}`, { cause: error })
  }
}

function packageName(folder: string): string {
  return (
    folder
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '') || 'app'
  )
}

/** The same on every machine of a team: each of them has a project of this ref on a server of its own. */
function refOf(name: string): string {
  const letters = name.replaceAll(/[^a-z0-9]/g, '').replace(/^\d+/, '')
  return `${letters.slice(0, 20)}localdev`
}
