import type { FunctionInfo } from './function-api.ts'

const callers = { public: 'anybody', user: 'users', server: 'servers' } as const

/** When a function runs, in a few words. */
export function triggerOf(info: FunctionInfo): string {
  const { kind, access = 'user', route = '', collection, bucket, cron, timezone, task, topic } = info
  switch (kind) {
    case 'callable':
      return `called by ${callers[access]}`
    case 'http':
      return route
    case 'schedule':
      return timezone === undefined ? (cron ?? '') : `${cron ?? ''} (${timezone})`
    case 'task':
      return `task ${task ?? ''}`
    case 'subscriber':
      return `topic ${topic ?? ''}`
    case 'customClaims':
      return 'each new access token'
    default: {
      // beforeCreate → before create
      const words = kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
      const of = collection ?? bucket
      return of === undefined ? words : `${words} in ${of}`
    }
  }
}
