import { api, NotSignedIn } from './api.ts'
import { element, link } from './elements.ts'
import { failure, notify } from './notices.ts'
import { acceptInvitationPage } from './pages/accept-invitation.ts'
import { auditPage } from './pages/audit.ts'
import { collectionsPage } from './pages/collections.ts'
import { deadTasksPage } from './pages/dead-tasks.ts'
import { deploymentPage } from './pages/deployment.ts'
import { deploymentsPage } from './pages/deployments.ts'
import { functionLogsPage } from './pages/function-logs.ts'
import { functionPage } from './pages/function.ts'
import { functionsPage } from './pages/functions.ts'
import { importUsersPage } from './pages/import-users.ts'
import { mailPage } from './pages/mail.ts'
import { mailServerPage } from './pages/mail-server.ts'
import { mailTemplatePage } from './pages/mail-template.ts'
import { mailTemplatesPage } from './pages/mail-templates.ts'
import { newDeploymentPage } from './pages/new-deployment.ts'
import { newTaskPage } from './pages/new-task.ts'
import { newUserPage } from './pages/new-user.ts'
import { outboxPage } from './pages/outbox.ts'
import { overviewPage } from './pages/overview.ts'
import { projectsPage } from './pages/projects.ts'
import { newProviderPage, providerPage } from './pages/provider.ts'
import { queuesPage } from './pages/queues.ts'
import { newSchedulePage, schedulePage } from './pages/schedule.ts'
import { schedulesPage } from './pages/schedules.ts'
import { secretsPage } from './pages/secrets.ts'
import { setUpPage } from './pages/set-up.ts'
import { signInPage } from './pages/sign-in.ts'
import { signInSettingsPage } from './pages/sign-in-settings.ts'
import { taskPage } from './pages/task.ts'
import { tasksPage } from './pages/tasks.ts'
import { userPage } from './pages/user.ts'
import { usersPage } from './pages/users.ts'
import { type At, inProject, type Section } from './project-frame.ts'
import { show } from './show-page.ts'

type Page = (at: At) => Node[] | Promise<Node[]>

const pages: [pattern: string, page: Page][] = [
  ['/console/setup', setUpPage],
  ['/console/invitation', acceptInvitationPage],
  ...projectPages('', 'Overview', [['', overviewPage]]),
  ...projectPages('/collections', 'Collections', [['', collectionsPage]]),
  ...projectPages('/users', 'Users', [
    ['', usersPage],
    ['/:id', userPage],
  ]),
  ...projectPages('/new-user', 'Users', [['', newUserPage]]),
  ...projectPages('/import-users', 'Users', [['', importUsersPage]]),
  ...projectPages('/functions', 'Functions', [
    ['', functionsPage],
    ['/deployments', deploymentsPage],
    ['/deployments/new', newDeploymentPage],
    ['/deployments/:id', deploymentPage],
    ['/logs', functionLogsPage],
    ['/secrets', secretsPage],
    ['/:name', functionPage],
  ]),
  ...projectPages('/tasks', 'Tasks', [
    ['', tasksPage],
    ['/dead', deadTasksPage],
    ['/new', newTaskPage],
    ['/queues', queuesPage],
    ['/schedules', schedulesPage],
    ['/schedules/:name', schedulePage],
    ['/new-schedule', newSchedulePage],
    ['/:id', taskPage],
  ]),
  ...projectPages('/mail', 'Mail', [
    ['', outboxPage],
    ['/server', mailServerPage],
    ['/templates', mailTemplatesPage],
    ['/templates/:name/:language', mailTemplatePage],
    ['/outbox/:id', mailPage],
  ]),
  ...projectPages('/sign-in', 'Sign-in', [
    ['', signInSettingsPage],
    ['/new-provider', newProviderPage],
    ['/providers/:name', providerPage],
  ]),
  ...projectPages('/audit', 'Audit log', [['', auditPage]]),
  ['/console', projectsPage],
]

function projectPages(
  base: string,
  section: Section,
  below: [string, Parameters<typeof inProject>[1]][],
): [string, Page][] {
  return below.map(([path, page]) => [`/console/projects/:ref${base}${path}`, inProject(section, page)])
}

let drawn = 0

/** Draws the page that the address names, under notices that must be read now. */
export async function render(notices: Node[] = []): Promise<void> {
  const page = document.getElementById('page')
  if (page === null) return
  drawn += 1
  const mine = drawn
  page.ariaBusy = 'true'
  const nodes = await pageFor(location.pathname).catch(pageOfFailure)
  // Somebody went on meanwhile.
  if (mine !== drawn) return
  page.replaceChildren(...nodes)
  page.ariaBusy = 'false'
  notify(...notices)
  drawNavigation()
  page.querySelector('aside [aria-current]')?.scrollIntoView({ block: 'nearest' })
  const heading = page.querySelector('h1')
  document.title = heading === null ? 'Basalt' : `${heading.innerText} · Basalt`
  if (heading !== null) heading.tabIndex = -1
  if (notices.length === 0) scrollTo(0, 0)
  ;(page.querySelector<HTMLElement>('[autofocus]') ?? heading)?.focus({ preventScroll: true })
}

async function pageFor(path: string): Promise<Node[]> {
  for (const [pattern, page] of pages) {
    const params = match(pattern, path.replace(/\/$/, ''))
    if (params === null) continue
    const query = new URLSearchParams(location.search)
    return page({ params, query, token: new URLSearchParams(location.hash.slice(1)).get('token') ?? '' })
  }
  return [element('h1', {}, 'There is no such page'), link('/console', 'To the projects')]
}

function match(pattern: string, path: string): Record<string, string> | null {
  const parts = path.split('/')
  const names = pattern.split('/')
  if (names.length !== parts.length) return null
  const params: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const part = decodeURIComponent(parts[index] ?? '')
    if (name.startsWith(':')) params[name.slice(1)] = part
    else if (name !== part) return null
  }
  return params
}

function pageOfFailure(error: unknown): Node[] {
  if (error instanceof NotSignedIn) return signInPage()
  return [element('h1', {}, 'This did not work'), failure(error), link('/console', 'To the projects')]
}

function drawNavigation(): void {
  const signOut = element('button', { className: 'plain', type: 'button' }, 'Sign out')
  signOut.addEventListener('click', () => {
    void api('POST', '/operators/sign-out').finally(() => show('/console'))
  })
  const isSignedOut = document.querySelector('form.door') !== null
  const docs = link('/docs', 'API')
  document.getElementById('nav')?.replaceChildren(docs, ...(isSignedOut ? [] : [signOut]))
}
