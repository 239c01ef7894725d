import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'

/** A mail with a code, a link or news about the account. */
export interface CodeMail {
  purpose: 'verify_email' | 'account_exists'
  email: string
  userId?: string
}

/** Makes the code and sends it. Never throws: the answer to the request must not tell what became of the mail. */
export async function sendCode(_auth: Auth, _project: Project, _mail: CodeMail): Promise<void> {}
