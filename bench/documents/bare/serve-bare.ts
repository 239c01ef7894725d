import Fastify from 'fastify'

/**
 * The limit that HTTP sets on this machine: Fastify without anything behind it. The texts that it gives back,
 * a document and a list, come as arguments.
 */
const [document = '', list = ''] = process.argv.slice(2)
const server = Fastify()
const type = 'application/json; charset=utf-8'
server.get('/document', async (_request, reply) => reply.header('content-type', type).send(document))
server.get('/list', async (_request, reply) => reply.header('content-type', type).send(list))
server.post('/echo', async (request) => request.body)
console.log(`bare server at ${await server.listen({ host: '127.0.0.1', port: 0 })}`)
