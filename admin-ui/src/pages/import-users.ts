import { Refused, sendLines } from '../api.ts'
import { element } from '../elements.ts'
import { textField } from '../fields.ts'
import { form } from '../form.ts'
import { notice } from '../notices.ts'
import { lookOnly, type Place } from '../project-frame.ts'
import { table } from '../table.ts'

interface Summary {
  imported: number
  failed: number
  /** The first hundred. */
  errors: { line: number; code: string; message: string }[]
}

const example = `{ "email": "alan@example.com", "isEmailVerified": true, "passwordHash": { "kind": "bcrypt", "hash": "$2b$12$…" } }
{ "email": "joan@example.com", "identities": [{ "provider": "google", "subject": "1122334455" }] }`

export async function importUsersPage(place: Place): Promise<Node[]> {
  const outcome = element('section', { className: 'outcome', ariaLive: 'polite' })
  const file = textField('File', 'file', { type: 'file', accept: '.ndjson,.jsonl,application/x-ndjson' })
  const submit = async (): Promise<void> => {
    outcome.replaceChildren()
    const chosen = file.row.querySelector('input')?.files?.[0]
    if (chosen === undefined) throw new Refused('Choose a file.')
    outcome.replaceChildren(...told(await sendLines<Summary>(`${place.api}/users/import`, chosen)))
  }
  return [
    element('h1', {}, 'Import users'),
    ...lookOnly(place),
    element(
      'p',
      {},
      'A file with a JSON object a line. Password hashes of other systems (argon2, bcrypt, pbkdf2, firebase-scrypt) go on working, and become ours at the first sign-in. A faulty line is reported, and the others go on.',
    ),
    element('pre', {}, example),
    form('Import', [file.row], submit, { locked: !place.may('developer') }),
    outcome,
  ]
}

function told({ imported, failed, errors }: Summary): Node[] {
  const columns = [
    { label: 'Line', cell: ({ line }: Summary['errors'][0]) => String(line) },
    { label: 'Why', cell: ({ message }: Summary['errors'][0]) => message },
  ]
  return [
    notice(`Imported: ${imported.toLocaleString()}. Refused: ${failed.toLocaleString()}.`),
    ...(errors.length > 0 ? [table('Refused lines', columns, errors)] : []),
  ]
}
