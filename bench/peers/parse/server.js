import { once } from 'node:events'
import express from 'express'
import { ParseServer } from 'parse-server'

const { sockets, user, database, application, masterKey, live } = JSON.parse(process.argv[2])
const parse = new ParseServer({
  appId: application,
  masterKey,
  serverURL: 'http://127.0.0.1/parse',
  databaseURI: `postgres://${user}@localhost/${database}`,
  // As many connections as Basalt's pool has.
  databaseOptions: { host: sockets, max: 16 },
  liveQuery: { classNames: live },
  allowClientClassCreation: false,
  silent: true,
  logsFolder: null,
  logLevel: 'error',
})
await parse.start()
const app = express()
app.use('/parse', parse.app)
const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
await ParseServer.createLiveQueryServer(server, { appId: application, serverURL: 'http://127.0.0.1/parse' })
console.log(`parse at ${server.address().port}`)
process.once('SIGTERM', () => process.exit(0))
