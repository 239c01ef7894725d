import type { LoggedRow } from './read-changes.ts'

/** A deletion keeps the version that was deleted; every other write adds one. */
export function versionBefore({ kind, version }: Pick<LoggedRow, 'kind' | 'version'>): number {
  return kind === 'delete' ? version : version - 1
}

/** A change as servers that follow the log see it. */
export function presentChange(row: LoggedRow): object {
  const { seq, kind, at, collection, id, actor } = row
  return { seq, kind, at, collection, id, ...toDocuments(row), actor }
}

/** The document after and before the change, as the API shows documents; null where there was none. */
export function toDocuments(row: LoggedRow): { document: object | null; before: object | null } {
  const { id, at, version, createdAt } = row
  const data = parse(row.data)
  const dataBefore = parse(row.before)
  return {
    document: data && { id, createdAt, updatedAt: at, version, ...data },
    before: dataBefore && {
      id,
      createdAt,
      updatedAt: row.beforeAt,
      version: versionBefore(row),
      ...dataBefore,
    },
  }
}

function parse(text: string | null): object | null {
  return text === null ? null : JSON.parse(text)
}
