import { type Child, element, link } from './elements.ts'

export interface Column<Row> {
  label: string
  cell: (row: Row) => Child
}

/**
 * On a narrow screen each row becomes a card, and its cells name themselves. Drawn as blocks, it would be no table to
 * who can't see it; its roles keep it one.
 */
export function table<Row>(caption: string, columns: Column<Row>[], rows: readonly Row[]): HTMLElement {
  const head = element(
    'tr',
    { role: 'row' },
    ...columns.map(({ label }) => {
      const named = label === '' ? element('span', { className: 'unseen' }, 'Actions') : label
      return element('th', { scope: 'col', role: 'columnheader' }, named)
    }),
  )
  const body = rows.map((row) =>
    element(
      'tr',
      { role: 'row' },
      ...columns.map(({ label, cell }) => {
        const made = element('td', { role: 'cell' }, cell(row))
        made.dataset['label'] = label
        if (made.textContent === '') made.className = 'nothing'
        return made
      }),
    ),
  )
  const made = element(
    'table',
    { role: 'table' },
    element('caption', { className: 'unseen' }, caption),
    element('thead', { role: 'rowgroup' }, head),
    element('tbody', { role: 'rowgroup' }, ...body),
  )
  return element('div', { className: 'table' }, made)
}

/** Pages follow each other by cursor: one can go on, and back to the first. */
export function pager(path: string, query: URLSearchParams, nextCursor: string | null): Node[] {
  const to = (after: string | null): string => {
    const changed = new URLSearchParams(query)
    changed.delete('after')
    if (after !== null) changed.set('after', after)
    return changed.size === 0 ? path : `${path}?${changed.toString()}`
  }
  const links = [
    ...(query.has('after') ? [link(to(null), 'First page', 'button')] : []),
    ...(nextCursor === null ? [] : [link(to(nextCursor), 'Next page', 'button')]),
  ]
  return links.length === 0 ? [] : [element('nav', { className: 'actions', ariaLabel: 'Pages' }, ...links)]
}
