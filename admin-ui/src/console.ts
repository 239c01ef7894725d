import { render } from './router.ts'
import { onShow, show } from './show-page.ts'

onShow((notices) => void render(notices))

// Links inside the console change the page without loading it anew.
document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || !link.pathname.startsWith('/console') || event.metaKey || event.ctrlKey) return
  event.preventDefault()
  show(link.pathname)
})
addEventListener('popstate', () => void render())
await render()
