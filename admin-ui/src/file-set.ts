import { bytes, count } from './amounts.ts'
import { element, empty } from './elements.ts'
import { areaField, textField } from './fields.ts'
import { form } from './form.ts'
import { Refused } from './api.ts'
import { isOwnFile, type SourceFile } from './upload-files.ts'

/** The files of a version that is being made, each to be opened, changed and left out. */
export interface FileSet {
  element: HTMLElement
  files: Map<string, SourceFile>
  /** Draws it anew after `files` has changed. */
  draw: () => void
  /** Shows a file, and the line if there is one. Whether it is there and text. */
  open: (path: string, line?: number) => boolean
}

const maxListed = 200

export function fileSet(files: Map<string, SourceFile>): FileSet {
  const list = element('div', { tabIndex: -1 })
  const editor = element('div', {})
  const made = element('div', { className: 'outcome' }, list, editor)
  let opened: { path: string; content: string } | undefined

  const draw = (): void => {
    const own = [...files]
      .filter(([path]) => isOwnFile(path))
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
    const rows = own.slice(0, maxListed).map(([path, content]) => row(path, content))
    const others = files.size - rows.length
    list.replaceChildren(
      files.size === 0
        ? empty('No file yet. Add files, or a folder with functions/ in it, or write a function here.')
        : element('ul', { className: 'rows files' }, ...rows),
      ...(others > 0
        ? [element('p', { className: 'hint' }, `And ${count(others)} files more, of packages or in folders.`)]
        : []),
    )
    // What was typed is in the set: another content comes from another upload.
    if (opened !== undefined && files.get(opened.path) !== opened.content) {
      opened = undefined
      editor.replaceChildren()
    }
  }

  const row = (path: string, content: SourceFile): HTMLElement => {
    const open = element('button', { type: 'button', className: 'plain' }, 'Edit')
    open.ariaLabel = `Edit ${path}`
    open.addEventListener('click', () => void show(path))
    const remove = element('button', { type: 'button', className: 'plain' }, 'Leave out')
    remove.ariaLabel = `Leave out ${path}`
    remove.addEventListener('click', () => {
      files.delete(path)
      draw()
      list.focus()
    })
    const buttons = typeof content === 'string' ? [open, remove] : [remove]
    const size = element('span', { className: 'soft' }, bytes(sizeOf(content)))
    return element(
      'li',
      {},
      element('code', {}, path),
      size,
      element('span', { className: 'actions' }, ...buttons),
    )
  }

  const show = (path: string, line?: number): boolean => {
    const content = files.get(path)
    if (typeof content !== 'string') return false
    const shown = { path, content }
    opened = shown
    const area = areaField(path, 'content', { value: content, rows: 18, className: 'code', wrap: 'off' })
    const control = area.row.querySelector('textarea')
    control?.addEventListener('input', () => {
      shown.content = control.value
      files.set(path, control.value)
    })
    editor.replaceChildren(area.row)
    if (control !== null) toLine(control, line)
    return true
  }

  draw()
  return { element: made, files, draw, open: show }
}

function sizeOf(content: SourceFile): number {
  return typeof content === 'string' ? new Blob([content]).size : Math.floor((content.base64.length * 3) / 4)
}

function toLine(control: HTMLTextAreaElement, line: number | undefined): void {
  control.focus()
  const lines = control.value.split('\n')
  if (line === undefined) return control.setSelectionRange(0, 0)
  const start = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0)
  control.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0))
  control.scrollTop = (control.scrollHeight / lines.length) * Math.max(0, line - 5)
}

/** Begins a function that works, to be changed. */
export function newFunction({ files, draw, open }: FileSet): HTMLElement {
  const name = textField('Name', 'name', {
    pattern: '[a-z][A-Za-z0-9_\\-]{0,63}',
    placeholder: 'hello',
    title: 'A small letter, then letters, digits, - and _',
    hint: 'It is called by it. A small letter, then letters, digits, - and _.',
  })
  const made = form('Write it', [name.row], async () => {
    const path = `functions/${name.read()}.ts`
    if (files.has(path)) throw new Refused('There is one already.', [{ path: 'name', message: 'is taken' }])
    files.set(path, template)
    draw()
    open(path)
  })
  return element('details', {}, element('summary', {}, 'Write a function here'), made)
}

const template = `import { string } from '@basalt/client'
import { callable } from '@basalt/client/functions'

export default callable({
  input: { name: string() },
  handler({ name }, { log }) {
    log.info('greeting', { name })
    return { hello: name }
  },
})
`
