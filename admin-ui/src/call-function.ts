import { api, Refused } from './api.ts'
import { milliseconds } from './amounts.ts'
import { element } from './elements.ts'
import { valueField } from './fields.ts'
import { form } from './form.ts'
import type { FunctionInfo } from './function-api.ts'
import { failure, notice } from './notices.ts'
import type { Place } from './project-frame.ts'
import { sampleOf } from './sample-of-schema.ts'

/** Calls a function with JSON, and shows what came back. */
export function callFunction(place: Place, { name, input }: FunctionInfo, onCalled: () => void): HTMLElement {
  const outcome = element('section', { className: 'outcome', ariaLive: 'polite' })
  const field = valueField(
    'Input',
    'input',
    input === undefined ? {} : sampleOf(input),
    'You call as a server does: for real, with the project’s data.',
  )
  const submit = async (): Promise<void> => {
    outcome.replaceChildren()
    const value = field.read() ?? {}
    const startedAt = performance.now()
    const took = (): string => milliseconds(Math.round(performance.now() - startedAt))
    try {
      const path = `${place.api}/functions/${encodeURIComponent(name)}`
      const { output } = await api<{ output: unknown }>('POST', path, { input: value })
      outcome.replaceChildren(
        notice(`It answered within ${took()}.`),
        element('pre', { className: 'wrap' }, JSON.stringify(output, null, 2)),
      )
    } catch (error) {
      // What is wrong with the input is said at the field.
      if (!(error instanceof Refused) || error.issues.length > 0) throw error
      const said = failure(error)
      if (error.code !== undefined) said.append(' ', element('code', {}, error.code))
      outcome.replaceChildren(said)
    } finally {
      onCalled()
    }
  }
  return element(
    'div',
    { className: 'outcome' },
    form('Call', [field.row], submit, { locked: !place.may('developer') }),
    outcome,
  )
}
