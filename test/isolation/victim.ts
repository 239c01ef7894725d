import type { CallResult, TestServer } from '../support/server.ts'
import { mark, openEveryWayIn, type Person, seedPerson } from './person.ts'

/** An organization with everything in it that others must neither see nor change, all of it easy to recognise. */
export interface Victim {
  organizationId: string
  projectId: string
  ref: string
  publishable: string
  /** May do everything. */
  secret: string
  /** Tokens of operators. */
  owner: string
  viewer: string
  ownerId: string
  /** The account to sign in with, and to change the password of. */
  ownerEmail: string
  collection: string
  documentId: string
  keyId: string
  /** Not due for a long time. */
  taskId: string
  queue: string
  emptyQueue: string
  schedule: string
  invitationId: string
  /** Of a second invitation. */
  invitationToken: string
  memberId: string
  deploymentId: string
  /** A user of the project. */
  person: Person
  /** One that waits in the outbox. */
  mailId: string
  /** Of the settings of sign-in. */
  settingsSecrets: string[]
  /** What no answer to somebody else may hold, except what they said themselves. */
  secrets: string[]
}

export const password = 'correct horse battery'

/** A function that writes a document. */
export const greeting = (access: 'public' | 'user'): string => `
  import { callable } from '@basalt/client/functions'
  import { json } from '@basalt/client'
  export default callable({ access: '${access}', input: json(), async handler({ collection }, { basalt }) {
    await basalt.collection(collection).create({ stray: 7 })
    return {}
  } })
`

const listening = `
  import { subscriber } from '@basalt/client/functions'
  export default subscriber('greeted', {}, () => null)
`

/** Makes an operator who is nobody's member; answers their token and id. */
export async function createOperator(
  server: TestServer,
  email: string,
): Promise<{ token: string; id: string }> {
  const organization = await expectDone(
    server.call('POST', '/v1/organizations', { as: server.operator, body: { name: 'Waiting room' } }),
  )
  const invitation = await expectDone(
    server.call('POST', `/v1/organizations/${organization.body.id}/members`, {
      as: server.operator,
      body: { email, role: 'viewer' },
    }),
  )
  const accepted = await expectDone(
    server.call('POST', '/v1/operators/invitations/accept', {
      body: { token: tokenOf(invitation.body.link), name: email, password },
    }),
  )
  const { token, operator } = accepted.body
  await expectDone(
    server.call('DELETE', `/v1/organizations/${organization.body.id}/members/${operator.id}`, { as: token }),
  )
  return { token, id: operator.id }
}

/** Its collection has no rules, so that its publishable key opens nothing. */
export async function seedVictim(server: TestServer): Promise<Victim> {
  const ownerEmail = `${mark('owner')}@example.com`
  const viewerEmail = `${mark('viewer')}@example.com`
  const memberEmail = `${mark('member')}@example.com`
  const invitedEmail = `${mark('invited')}@example.com`
  const expectedEmail = `${mark('expected')}@example.com`
  const names = {
    organization: mark('organization'),
    project: mark('project'),
    collection: mark('collection'),
    document: mark('document'),
    field: mark('field'),
    value: mark('value'),
    key: mark('key'),
    deployment: mark('deployment'),
    functionSecret: mark('function-secret'),
    task: mark('task'),
    payload: mark('payload'),
    taskKey: mark('taskkey'),
    queue: mark('queue'),
    emptyQueue: mark('emptyqueue'),
    schedule: mark('schedule'),
    rule: mark('rule'),
    origin: `https://${mark('origin')}.example.com`,
  }
  const owner = await createOperator(server, ownerEmail)
  const viewer = await createOperator(server, viewerEmail)
  const member = await createOperator(server, memberEmail)
  const own = (method: string, path: string, body?: unknown): Promise<CallResult> =>
    expectDone(server.call(method, path, { as: owner.token, body }))

  const organization = await own('POST', '/v1/organizations', { name: names.organization })
  const organizationId: string = organization.body.id
  const members = `/v1/organizations/${organizationId}/members`
  await own('POST', members, { email: viewerEmail, role: 'viewer' })
  await own('POST', members, { email: memberEmail, role: 'developer' })
  const invited = await own('POST', members, { email: invitedEmail, role: 'viewer' })
  const expected = await own('POST', members, { email: expectedEmail, role: 'viewer' })
  const project = await own('POST', '/v1/projects', { name: names.project, organizationId })
  const { ref } = project.body.project
  await own('PATCH', `/v1/projects/${ref}`, { settings: { cors: { origins: ['*', names.origin] } } })
  const key = await own('POST', `/v1/projects/${ref}/keys`, { name: names.key, kind: 'secret' })
  await own('PUT', `/v1/projects/${ref}/collections/${names.collection}`, {
    indexes: [{ fields: [names.field], unique: true }],
    fields: { secretly: { read: `doc.secretly == "${names.rule}"` } },
  })
  await own('PUT', `/v1/projects/${ref}/channels/rules/room:*`, {
    rules: { join: `channel.name == "${names.rule}"` },
  })
  const documents = `/v1/projects/${ref}/collections/${names.collection}/documents`
  await own('POST', documents, { id: names.document, [names.field]: names.value })
  await own('POST', documents, { [names.field]: mark('other') })

  const functions = `/v1/projects/${ref}/functions`
  const deployment = await own('POST', `${functions}/deployments`, {
    files: { 'functions/greet.ts': greeting('user'), 'functions/listen.ts': listening },
    message: names.deployment,
  })
  await own('PUT', `${functions}/secrets/TOKEN`, { value: names.functionSecret })
  const tasks = `/v1/projects/${ref}/tasks`
  await own('PUT', `${tasks}/queues/${names.emptyQueue}`, {})
  // What a message sets off waits, and changes nothing behind the matrix's back.
  await own('PUT', `${tasks}/queues/default`, { paused: true })
  const later = {
    name: names.task,
    payload: names.payload,
    key: names.taskKey,
    queue: names.queue,
    delay: 1e7,
  }
  const task = await own('POST', tasks, later)
  await own('PUT', `${tasks}/schedules/${names.schedule}`, {
    cron: '0 0 1 1 *',
    task: { name: names.task, payload: names.payload },
  })

  const place = { ref, ...(project.body.keys as { publishable: string; secret: string }) }
  const settingsSecrets = await openEveryWayIn(server, place)
  const person = await seedPerson(server, place)

  const { rows } = await server.services.db.query<{ id: string }>(
    'SELECT id FROM basalt.projects WHERE ref = $1',
    [ref],
  )
  const projectId = rows[0]?.id ?? ''
  const mail = { id: mark('mail'), text: mark('code') }
  await server.services.db.query(
    `INSERT INTO basalt.mails (id, project_id, recipient, template, subject, text, html)
     VALUES ($1, $2, '+4915112345678', 'sms_code', '', $3, '')`,
    [mail.id, projectId, mail.text],
  )
  const invitationToken = tokenOf(expected.body.link)
  return {
    organizationId,
    projectId,
    ref,
    publishable: project.body.keys.publishable,
    secret: project.body.keys.secret,
    owner: owner.token,
    viewer: viewer.token,
    ownerId: owner.id,
    ownerEmail,
    collection: names.collection,
    documentId: names.document,
    keyId: key.body.id,
    taskId: task.body.id,
    queue: names.queue,
    emptyQueue: names.emptyQueue,
    schedule: names.schedule,
    invitationId: invited.body.invitation.id,
    invitationToken,
    memberId: member.id,
    deploymentId: deployment.body.id,
    person,
    mailId: mail.id,
    settingsSecrets,
    secrets: [
      ...Object.values(names),
      ...Object.values(project.body.keys as object),
      ref,
      projectId,
      organizationId,
      owner.id,
      owner.token,
      ownerEmail,
      viewer.id,
      viewer.token,
      viewerEmail,
      member.id,
      memberEmail,
      invited.body.invitation.id,
      invitedEmail,
      expectedEmail,
      invitationToken,
      ...person.secrets,
      ...settingsSecrets,
      ...Object.values(mail),
      key.body.id,
      key.body.key,
      task.body.id,
    ],
  }
}

async function expectDone(answer: Promise<CallResult>): Promise<CallResult> {
  const { status, headers, body } = await answer
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
  return { status, headers, body }
}

function tokenOf(link: string): string {
  return link.split('#token=')[1] ?? ''
}
