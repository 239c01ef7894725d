import type { HttpServer } from './http-server.ts'
import type { Services } from './services.ts'

const open = { access: { door: 'open' } } as const
const tags = ['Operations']
// A busy node is not a broken one: what restarts nodes that don't answer must leave it alone.
const openUnderPressure = { ...open, pressureHandler: () => undefined }
const readyWithinMs = 2_000

/** What load balancers and monitoring ask. */
export function registerOperations(app: HttpServer, { db, metrics }: Services): void {
  app.route({
    method: 'GET',
    url: '/healthz',
    config: openUnderPressure,
    schema: { operationId: 'health', summary: 'The process is alive', tags },
    handler: async () => ({ status: 'ok' }),
  })

  app.route({
    method: 'GET',
    url: '/readyz',
    config: open,
    schema: { operationId: 'ready', summary: 'The process can serve: its database answers', tags },
    async handler(_request, reply) {
      const database = await answersInTime(db.query('SELECT 1'))
      void reply.code(database ? 200 : 503)
      return {
        status: database ? 'ok' : 'unavailable',
        checks: { database: database ? 'ok' : 'unavailable' },
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/metrics',
    config: openUnderPressure,
    schema: { operationId: 'metrics', summary: 'Metrics for Prometheus', tags },
    async handler(_request, reply) {
      return reply.header('content-type', metrics.registry.contentType).send(await metrics.registry.metrics())
    },
  })
}

async function answersInTime(query: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, readyWithinMs, false)
  })
  const answered = query.then(
    () => true,
    () => false,
  )
  try {
    return await Promise.race([answered, late])
  } finally {
    clearTimeout(timer)
  }
}
