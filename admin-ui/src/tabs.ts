import { element, link } from './elements.ts'

/** The pages of one section beside each other. */
export function tabs<Name extends string>(
  label: string,
  base: string,
  pages: readonly (readonly [name: Name, path: string])[],
  present: NoInfer<Name>,
): HTMLElement {
  const links = pages.map(([name, path]) => {
    const made = link(base + path, name)
    if (name === present) made.ariaCurrent = 'page'
    return made
  })
  return element('nav', { className: 'tabs', ariaLabel: label }, ...links)
}
