import { element } from './elements.ts'

/** Asks before something that can't be undone. Escape and the first button mean no. */
export function ask(title: string, text: string, yes: string): Promise<boolean> {
  const refuse = element('button', { type: 'button', className: 'plain', autofocus: true }, 'Cancel')
  const agree = element('button', { type: 'button', className: 'danger' }, yes)
  const heading = element('h2', { id: 'question' }, title)
  const buttons = element('div', { className: 'actions' }, refuse, agree)
  const dialog = element('dialog', {}, heading, element('p', {}, text), buttons)
  dialog.setAttribute('aria-labelledby', heading.id)
  document.body.append(dialog)
  return new Promise((resolve) => {
    refuse.addEventListener('click', () => dialog.close())
    agree.addEventListener('click', () => dialog.close('yes'))
    dialog.addEventListener('close', () => {
      dialog.remove()
      resolve(dialog.returnValue === 'yes')
    })
    dialog.showModal()
  })
}
