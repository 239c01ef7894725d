import { quoteId } from '../platform/sql.ts'
import type { Project } from '../projects/project.ts'

/**
 * Removes the tasks of a project that is being deleted: those that run first, so that their runs hear of it within a
 * second. A line of millions would take longer than a request may; the trimming gets what is left, and nothing of a
 * project that is gone is ever handed to the worker.
 */
export function deleteTasksSql({ id }: Pick<Project, 'id'>): string {
  const ofProject = `project_id = ${quoteId(id)}`
  return `
    DELETE FROM basalt.tasks
    WHERE ${ofProject} AND state IN ('ready', 'running');
    DELETE FROM basalt.tasks
    WHERE ctid = ANY (ARRAY (SELECT ctid FROM basalt.tasks WHERE ${ofProject} LIMIT 100000))`
}
