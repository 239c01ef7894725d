import { Type } from 'typebox'

export const tag = 'Tasks'
export const projectParams = Type.Object({ ref: Type.String({ maxLength: 64, description: 'The project' }) })
