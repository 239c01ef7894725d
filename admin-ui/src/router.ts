import { api, NotSignedIn } from './api.ts'
import { element } from './elements.ts'
import { invitationPage, projectPage, projectsPage, setupPage, signInPage } from './pages.ts'
import { show } from './show-page.ts'

/** Draws the page that the address names, under notices that must be read now. */
export async function render(notices: Node[] = []): Promise<void> {
  const page = document.getElementById('page')
  if (page === null) return
  try {
    page.replaceChildren(...notices, ...(await pageFor(location.pathname, location.hash)))
  } catch (error) {
    if (error instanceof NotSignedIn) page.replaceChildren(...signInPage())
    else page.replaceChildren(element('p', { className: 'error', role: 'alert' }, String(error)))
  }
  drawNavigation()
  page.querySelector<HTMLElement>('input')?.focus()
}

async function pageFor(path: string, hash: string): Promise<Node[]> {
  const token = new URLSearchParams(hash.slice(1)).get('token') ?? ''
  if (path === '/console/setup') return setupPage(token)
  if (path === '/console/invitation') return invitationPage(token)
  const ref = /^\/console\/projects\/([a-z0-9]+)$/.exec(path)?.[1]
  return ref === undefined ? projectsPage() : projectPage(ref)
}

function drawNavigation(): void {
  const signOut = element('button', { className: 'plain', type: 'button' }, 'Sign out')
  signOut.addEventListener('click', () => {
    void api('POST', '/operators/sign-out').finally(() => show('/console'))
  })
  const isSignedOut = document.querySelector('input[type=password]') !== null
  const docs = element('a', { href: '/docs' }, 'API')
  document.getElementById('nav')?.replaceChildren(docs, ...(isSignedOut ? [] : [signOut]))
}
