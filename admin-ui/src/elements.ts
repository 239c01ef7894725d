type Child = Node | string

/** Makes an element. Text is always text: nothing that comes from the server becomes HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<Omit<HTMLElementTagNameMap[Name], 'children'>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

/** A labelled input that takes part in its form under `name`. */
export function field(
  label: string,
  name: string,
  properties: Partial<HTMLInputElement> = {},
): HTMLLabelElement {
  return element('label', {}, label, element('input', { name, required: true, ...properties }))
}

/** A form that shows what went wrong and can't be sent twice at once. */
export function form(
  submitLabel: string,
  fields: Child[],
  submit: (values: Record<string, string>) => Promise<void>,
): HTMLFormElement {
  const error = element('p', { className: 'error', role: 'alert', hidden: true })
  const button = element('button', { type: 'submit' }, submitLabel)
  const made = element('form', { className: 'narrow' }, ...fields, error, button)
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    button.disabled = true
    error.hidden = true
    const entries = [...new FormData(made)]
    const values = Object.fromEntries(
      entries.map(([name, value]) => [name, typeof value === 'string' ? value : value.name]),
    )
    submit(values)
      .catch((reason: unknown) => {
        error.textContent = reason instanceof Error ? reason.message : String(reason)
        error.hidden = false
      })
      .finally(() => {
        button.disabled = false
      })
  })
  return made
}
