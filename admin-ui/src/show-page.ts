type Draw = (notices: Node[]) => Promise<void>

let draw: Draw = async () => undefined

/** Tells what draws the page that the address names. */
export function onShow(drawPage: Draw): void {
  draw = drawPage
}

/** Goes to a page of the console, with notices above it that must be read now. */
export function show(path: string, notices: Node[] = []): void {
  if (path === location.pathname + location.search) history.replaceState(null, '', path)
  else history.pushState(null, '', path)
  void draw(notices)
}

/** Draws the same page again, after something in it changed. */
export function showAgain(...notices: Node[]): void {
  show(location.pathname + location.search, notices)
}
