import { api } from '../api.ts'
import { element, empty, link } from '../elements.ts'
import { textField } from '../fields.ts'
import { form } from '../form.ts'
import { secretNotice } from '../notices.ts'
import { show } from '../show-page.ts'

interface Project {
  ref: string
  name: string
}

export async function projectsPage(): Promise<Node[]> {
  const { projects } = await api<{ projects: Project[] }>('GET', '/projects?limit=500')
  const rows = projects.map(({ ref, name }) =>
    element('li', {}, link(`/console/projects/${ref}`, name), element('code', {}, ref)),
  )
  return [
    element('h1', {}, 'Projects'),
    rows.length > 0 ? element('ul', { className: 'rows' }, ...rows) : empty('There is no project yet.'),
    element('h2', {}, 'New project'),
    newProject(),
  ]
}

function newProject(): HTMLElement {
  const name = textField('Name', 'name', { maxLength: 100 })
  return form('Create project', [name.row], async () => {
    const { project, keys } = await api<{ project: Project; keys: { secret: string } }>('POST', '/projects', {
      name: name.read(),
    })
    show(`/console/projects/${project.ref}`, [newSecretKeyNotice(keys.secret)])
  })
}

export function newSecretKeyNotice(key: string): HTMLElement {
  return secretNotice('The secret key is shown only now. Keep it on servers.', ['Secret key', key])
}
