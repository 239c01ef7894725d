import { type Api, createApi } from '../api.ts'
import { type Command, shared } from '../command.ts'
import {
  configFile,
  defaultEnvironment,
  environmentName,
  findToken,
  projectRef,
  readUrl,
  requireFolder,
  saveFolder,
} from '../environments.ts'
import { CliFault, wrongUsage } from '../fault.ts'
import { ask, canAsk, note, print } from '../terminal.ts'

interface Project {
  ref: string
  name: string
}

export const link: Command = {
  usage: 'link [project]',
  summary: 'name the project that an environment of this folder is',
  about: `Writes the server and the project's ref into ${configFile}, under the name of an environment. Without a ref it
takes the only project there is, or asks. Nothing secret is written.`,
  options: {
    env: shared.env.option,
    url: { type: 'string' },
    create: { type: 'string' },
  },
  optionHelp: {
    env: 'the environment to add or change (dev)',
    url: 'the address of its server; the one that it has by default',
    create: 'make a new project of this name',
  },
  maxPositionals: 1,
  async run(args) {
    const folder = await requireFolder(process.cwd())
    const name = args.text('env') ?? defaultEnvironment
    if (!environmentName.test(name))
      throw wrongUsage(`${name} is no name for an environment: use lower-case letters, digits and hyphens.`)
    const given = args.text('url')
    const url = given === undefined ? folder.environments[name]?.url : readUrl(given, '--url')
    if (url === undefined) throw wrongUsage(`${name} is new: say where its server is, with --url.`)
    const token = await findToken(url, folder.path)
    if (token === undefined) throw new CliFault(`You are not signed in at ${url}: \`basalt login ${url}\`.`)
    const api = createApi(url, token)
    const [ref] = args.positionals
    const create = args.text('create')
    if (ref !== undefined && create !== undefined)
      throw wrongUsage('A project is either there or made: give its ref, or --create.')
    const project =
      create !== undefined
        ? await createProject(api, create)
        : ref !== undefined
          ? await findProject(api, ref)
          : await chooseProject(api)
    folder.environments[name] = { url, project: project.ref }
    await saveFolder(folder)
    print(`${name} is now ${project.name} (${project.ref}) at ${url}.`)
    return 0
  },
}

async function createProject(api: Api, name: string): Promise<Project> {
  const { project, keys } = await api.call<{
    project: Project
    keys: { publishable: string; secret: string }
  }>('POST', '/v1/projects', { body: { name } })
  note(`publishable key  ${keys.publishable}\nsecret key       ${keys.secret}  (shown only now)`)
  return project
}

function findProject(api: Api, ref: string): Promise<Project> {
  if (!projectRef.test(ref))
    throw wrongUsage(`${ref} is not the ref of a project: 8 to 32 lower-case letters and digits.`)
  return api.call<Project>('GET', `/v1/projects/${ref}`)
}

async function chooseProject(api: Api): Promise<Project> {
  const projects: Project[] = []
  for (let after: string | null | undefined; after !== null;) {
    const query = { limit: '500', ...(after !== undefined && { after }) }
    const page: { projects: Project[]; nextCursor: string | null } = await api.call('GET', '/v1/projects', {
      query,
    })
    projects.push(...page.projects)
    after = page.nextCursor
  }
  const [first] = projects
  if (first === undefined) throw new CliFault('There is no project yet: --create makes one.')
  if (projects.length === 1) return first
  const list = projects.map(({ ref, name }, at) => `  ${at + 1}  ${ref}  ${name}`).join('\n')
  if (!canAsk()) throw wrongUsage(`Say which project:\n${list}`)
  note(list)
  const chosen = projects[Number(await ask('Which one? ')) - 1]
  if (chosen === undefined) throw new CliFault('That is none of them; nothing was changed.')
  return chosen
}
