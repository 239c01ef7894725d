import { render } from './router.ts'
import { onShow, show } from './show-page.ts'

onShow(render)

// Links inside the console change the page without loading it anew.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || !link.pathname.startsWith('/console') || link.target !== '') return
  if (link.origin !== location.origin || event.metaKey || event.ctrlKey || event.shiftKey) return
  event.preventDefault()
  show(link.pathname + link.search)
})
addEventListener('popstate', () => void render())
await render()
