import { type Issue, Refused } from './api.ts'
import { type Child, element } from './elements.ts'

interface FormOptions {
  className?: string
  /** Who may only look sees everything, greyed, and no button. */
  locked?: boolean
}

/**
 * A form that can't be sent twice at once. What is wrong with a field stands at the field whose name begins its path,
 * everything else beside the button. What `submit` answers, such as “Saved.”, is said there too.
 */
export function form(
  submitLabel: string,
  fields: Child[],
  submit: () => Promise<string | void>,
  { className = '', locked = false }: FormOptions = {},
): HTMLFormElement {
  const error = element('p', { className: 'error', role: 'alert', hidden: true })
  const done = element('p', { className: 'done', role: 'status' })
  const button = element('button', { type: 'submit' }, submitLabel)
  const ending = locked ? [] : [element('div', { className: 'actions' }, error, button, done)]
  const group = element('fieldset', { className: 'whole', disabled: locked }, ...fields)
  const made = element('form', { className }, group, ...ending)
  made.addEventListener('input', () => done.replaceChildren())
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    button.disabled = true
    error.hidden = true
    done.textContent = ''
    clearIssues(made)
    run(submit)
      .then((message) => {
        done.textContent = message ?? ''
        if (message !== undefined) forgetSecrets(made)
      })
      .catch((reason: unknown) => {
        error.textContent = showFailure(made, reason)
        error.hidden = false
      })
      .finally(() => {
        button.disabled = false
      })
  })
  return made
}

// Reading a field may throw at once.
async function run(submit: () => Promise<string | void>): Promise<string | undefined> {
  return (await submit()) ?? undefined
}

function controlsOf(made: HTMLFormElement): HTMLInputElement[] {
  return [...made.querySelectorAll<HTMLInputElement>('[name]')]
}

function clearIssues(made: HTMLFormElement): void {
  for (const control of controlsOf(made)) {
    control.removeAttribute('aria-invalid')
    const said = document.getElementById(`${control.id}-error`)
    if (said !== null) said.hidden = true
  }
}

/** What belongs to a field is said there; answers with what is to be said beside the button. */
function showFailure(made: HTMLFormElement, reason: unknown): string {
  if (!(reason instanceof Refused)) return String(reason)
  const left = showIssues(made, reason.issues)
  if (reason.issues.length > 0 && left.length === 0) return 'Please look at what is marked.'
  return left.length > 0 ? left.join(' ') : reason.message
}

/** Answers with what belongs to no field here. */
function showIssues(made: HTMLFormElement, issues: readonly Issue[]): string[] {
  const controls = controlsOf(made).toSorted((a, b) => b.name.length - a.name.length)
  const left: string[] = []
  for (const { path, message } of issues) {
    const control = controls.find(({ name }) => path === name || path.startsWith(`${name}.`))
    const said = control && document.getElementById(`${control.id}-error`)
    if (control === undefined || said === null || said === undefined) {
      left.push(`${path} ${message}.`)
      continue
    }
    // A text of JSON has places of its own.
    const inside = path.slice(control.name.length + 1)
    said.textContent = inside !== '' && control.matches('.json') ? `${inside} ${message}` : message
    said.hidden = false
    control.setAttribute('aria-invalid', 'true')
  }
  made.querySelector<HTMLElement>('[aria-invalid]')?.focus()
  return left
}

function forgetSecrets(made: HTMLFormElement): void {
  for (const secret of made.querySelectorAll<HTMLInputElement>('input[type=password]')) {
    if (secret.value !== '' && secret.autocomplete === 'off')
      secret.placeholder = 'Is set; type to replace it'
    secret.value = ''
  }
}
