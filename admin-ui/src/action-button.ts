import { element } from './elements.ts'
import { failure, notify } from './notices.ts'

/**
 * A button that can't be pressed twice at once; what goes wrong is said above the page. It is not disabled meanwhile:
 * focus comes back to it from a question.
 */
export function actionButton(
  label: string,
  act: () => Promise<void>,
  tone: 'plain' | 'danger' = 'plain',
): HTMLButtonElement {
  const button = element('button', { type: 'button', className: tone }, label)
  button.addEventListener('click', () => {
    if (button.ariaBusy === 'true') return
    button.ariaBusy = 'true'
    act()
      .catch((error: unknown) => notify(failure(error)))
      .finally(() => {
        button.ariaBusy = 'false'
      })
  })
  return button
}
