type Draw = (notices: Node[]) => void

let draw: Draw = () => undefined

/** Tells what draws the page that the address names. */
export function onShow(drawPage: Draw): void {
  draw = drawPage
}

/** Goes to a page of the console, with notices above it that must be read now. */
export function show(path: string, notices: Node[] = []): void {
  history.pushState(null, '', path)
  draw(notices)
}
