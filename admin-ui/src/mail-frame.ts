import { element } from './elements.ts'

/**
 * Shows the HTML of a mail as a mail program would, in a frame that runs no scripts, sends no forms and loads nothing
 * but pictures. The frame is a page with a policy of its own (`console-pages.ts`): styles in mails stand in attributes,
 * which the console's policy forbids.
 */
export function mailFrame(html: string): { frame: HTMLIFrameElement; write: (html: string) => void } {
  const frame = element('iframe', {
    className: 'mail',
    title: 'The mail as HTML',
    src: '/console/mail-frame',
  })
  frame.setAttribute('sandbox', 'allow-same-origin')
  let shown = html
  const draw = (): void => {
    const page = frame.contentDocument
    const view = frame.contentWindow as (Window & typeof globalThis) | null
    if (page === null || view === null || page.URL === 'about:blank') return
    // The frame's own parser: what it makes is under the frame's policy from the first moment.
    const parsed = new view.DOMParser().parseFromString(shown, 'text/html')
    page.documentElement.replaceWith(page.adoptNode(parsed.documentElement))
  }
  frame.addEventListener('load', draw)
  return {
    frame,
    write(next) {
      shown = next
      draw()
    },
  }
}
