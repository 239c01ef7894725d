import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Project } from '../../projects/project.ts'
import type { Auth } from '../auth.ts'
import { codeInvalid } from '../errors.ts'
import type { CodePurpose } from './one-time-codes.ts'

const LinkContent = Type.Object({ purpose: Type.String(), target: Type.String(), code: Type.String() })

/**
 * What a link carries instead of address and code: both, sealed. Nobody learns the address from a link that is passed
 * on, nobody makes one, and link and typed code are one secret that works once.
 */
export function sealLink(
  { box }: Auth,
  project: Project,
  content: { purpose: CodePurpose; target: string; code: string },
): string {
  return box.seal(JSON.stringify(content), contextOf(project))
}

/** Throws `code_invalid` for everything that this server did not make for this project and one of these purposes. */
export function openLink<P extends CodePurpose>(
  { box }: Auth,
  project: Project,
  purposes: readonly P[],
  token: string,
): { purpose: P; target: string; code: string } {
  const content = parse(() => box.open(token, contextOf(project)))
  const purpose = purposes.find((one) => one === content?.purpose)
  if (content === undefined || purpose === undefined) throw codeInvalid()
  return { ...content, purpose }
}

function parse(open: () => string): { purpose: string; target: string; code: string } | undefined {
  try {
    const content: unknown = JSON.parse(open())
    return Value.Check(LinkContent, content) ? content : undefined
  } catch {
    return undefined
  }
}

function contextOf(project: Project): string {
  return `link ${project.id}`
}
