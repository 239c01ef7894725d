import Type from 'typebox'

export const tags = ['Functions']
export const base = '/v1/projects/:ref/functions'
export const refParams = Type.Object({ ref: Type.String({ maxLength: 64 }) })
export const functionParams = Type.Object({
  ref: Type.String({ maxLength: 64 }),
  name: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$' }),
})
export const reads = { access: { door: 'project', scope: 'functions:read' } } as const
export const writes = { access: { door: 'project', scope: 'functions:write' } } as const
