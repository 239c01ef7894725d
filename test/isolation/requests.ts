import { personRequests } from './person-requests.ts'
import type { Victim } from './victim.ts'
import { greeting, password } from './victim.ts'

/** A request that succeeds, for whoever may send it. */
export interface ValidRequest {
  /**
   * Who may: everybody, the operator's own account, a role in the organization, or a scope in the project. At the
   * users' door a key of the project is asked for first and then who the user is: `persons.test.ts`.
   */
  door: 'open' | 'account' | 'organization' | 'project' | 'users'
  /** Changes nothing, so that a read-only key and a viewer may send it too. */
  reads?: true
  /** Where the door lets more or fewer people through than `door` and `reads` say. */
  only?: 'admins' | 'operators'
  /** What it does is to be heard, not seen in the database. */
  leavesNoTrace?: true
  /** An app's publishable key gets as far as the rules. */
  clients?: true
  /** Names in the path. */
  path?: (victim: Victim) => Record<string, string>
  query?: Record<string, string>
  body?: (victim: Victim) => unknown
  contentType?: string
  /** Where the body is the credential: one that is wrong, and what it gets. */
  refused?: { body: (victim: Victim) => unknown; status: number }
  /** Succeeds only with what a mail or a provider brings, which test/auth has proofs of. */
  needsMore?: true
}

export const setUpToken = 'st_set-up-for-the-matrix'

const collection = ({ ref, collection }: Victim) => ({ ref, collection })
const document = ({ ref, collection, documentId }: Victim) => ({ ref, collection, id: documentId })
const project = ({ ref }: Victim) => ({ ref })
const task = ({ ref, taskId }: Victim) => ({ ref, id: taskId })
const schedule = ({ ref, schedule: name }: Victim) => ({ ref, name })
const queue = ({ ref, queue: name }: Victim) => ({ ref, name })
const user = ({ ref, person }: Victim) => ({ ref, id: person.id })
const mail = ({ ref, mailId }: Victim) => ({ ref, id: mailId })
const organization = ({ organizationId }: Victim) => ({ org: organizationId })
const member = ({ organizationId, memberId }: Victim) => ({ org: organizationId, operatorId: memberId })

/** By operation id, in an order in which the rightful caller can send all of them: what destroys comes last. */
export const requests: ReadonlyMap<string, ValidRequest> = new Map<string, ValidRequest>([
  ['health', { door: 'open', reads: true }],
  ['ready', { door: 'open', reads: true }],
  ['metrics', { door: 'open', reads: true }],
  [
    'signInOperator',
    {
      door: 'open',
      body: ({ ownerEmail }) => ({ email: ownerEmail, password }),
      refused: { body: ({ ownerEmail }) => ({ email: ownerEmail, password: 'a guess' }), status: 401 },
    },
  ],
  ['getCurrentOperator', { door: 'account', reads: true }],
  ['listOrganizations', { door: 'account', reads: true }],
  ['createOrganization', { door: 'account', body: () => ({ name: 'Another' }) }],
  ['listProjects', { door: 'account', reads: true }],
  ['createProject', { door: 'account', body: ({ organizationId }) => ({ name: 'Next', organizationId }) }],
  ['listMembers', { door: 'organization', reads: true, path: organization }],
  ['listOrganizationAudit', { door: 'organization', reads: true, only: 'admins', path: organization }],
  [
    'addMember',
    { door: 'organization', path: organization, body: () => ({ email: 'eve@example.com', role: 'viewer' }) },
  ],
  ['getProject', { door: 'project', reads: true, path: project }],
  ['changeProject', { door: 'project', path: project, body: () => ({ name: 'Renamed' }) }],
  ['listProjectAudit', { door: 'project', reads: true, path: project }],
  ['listKeys', { door: 'project', reads: true, path: project }],
  ['createKey', { door: 'project', path: project, body: () => ({ name: 'Mine', kind: 'secret' }) }],
  ['listCollections', { door: 'project', reads: true, path: project }],
  ['getCollection', { door: 'project', reads: true, path: collection }],
  ['putCollection', { door: 'project', path: collection, body: () => ({ rules: {} }) }],
  [
    'explainRules',
    {
      door: 'project',
      reads: true,
      path: collection,
      body: ({ documentId }) => ({ action: 'read', actor: { uid: 'u1' }, id: documentId }),
    },
  ],
  ['listDocuments', { door: 'project', reads: true, clients: true, path: collection }],
  [
    'queryDocuments',
    { door: 'project', reads: true, clients: true, path: collection, body: () => ({ count: true }) },
  ],
  [
    'aggregateDocuments',
    {
      door: 'project',
      reads: true,
      clients: true,
      path: collection,
      body: () => ({ select: { n: { $count: true } } }),
    },
  ],
  ['exportDocuments', { door: 'project', reads: true, path: collection }],
  [
    'putChannelRules',
    {
      door: 'project',
      path: ({ ref }) => ({ ref, pattern: 'room:*' }),
      body: () => ({ rules: { join: 'true' } }),
    },
  ],
  ['listChannelRules', { door: 'project', reads: true, path: project }],
  ['getChannelRules', { door: 'project', reads: true, path: ({ ref }) => ({ ref, pattern: 'room:*' }) }],
  [
    'broadcast',
    {
      door: 'project',
      clients: true,
      leavesNoTrace: true,
      path: ({ ref }) => ({ ref, channel: 'room:1' }),
      body: () => ({ event: 'stray' }),
    },
  ],
  ['deleteChannelRules', { door: 'project', path: ({ ref }) => ({ ref, pattern: 'room:*' }) }],
  ['readChanges', { door: 'project', reads: true, path: project }],
  ...tasksRequests(),
  ['getDocument', { door: 'project', reads: true, clients: true, path: document }],
  ['createDocument', { door: 'project', clients: true, path: collection, body: () => ({ stray: 1 }) }],
  ['updateDocument', { door: 'project', clients: true, path: document, body: () => ({ stray: 1 }) }],
  ['replaceDocument', { door: 'project', clients: true, path: document, body: () => ({ stray: 2 }) }],
  [
    'runTransaction',
    {
      door: 'project',
      clients: true,
      path: project,
      body: ({ collection: name, documentId }) => ({
        operations: [
          { op: 'create', collection: name, data: { stray: 3 } },
          { op: 'update', collection: name, id: documentId, data: { stray: 4 } },
        ],
      }),
    },
  ],
  [
    'importDocuments',
    {
      door: 'project',
      path: collection,
      query: { onConflict: 'replace' },
      contentType: 'application/x-ndjson',
      body: ({ documentId }) => `{"stray":5}\n{"id":"${documentId}","stray":6}\n`,
    },
  ],
  ['getJwks', { door: 'open', reads: true, path: project }],
  ...usersRequests(),
  ...functionsRequests(),
  ['deleteDocument', { door: 'project', clients: true, path: document }],
  ['deleteCollection', { door: 'project', path: collection }],
  ['revokeKey', { door: 'project', path: ({ ref, keyId }) => ({ ref, id: keyId }) }],
  ['deleteProject', { door: 'project', only: 'operators', path: project }],
  ['changeMemberRole', { door: 'organization', path: member, body: () => ({ role: 'admin' }) }],
  ['removeMember', { door: 'organization', path: member }],
  [
    'acceptInvitation',
    {
      door: 'open',
      body: ({ invitationToken: token }) => ({ token, name: 'Eve', password }),
      refused: { body: () => ({ token: 'in_guess', name: 'Eve', password }), status: 400 },
    },
  ],
  [
    'revokeInvitation',
    {
      door: 'organization',
      path: ({ organizationId, invitationId }) => ({ org: organizationId, id: invitationId }),
    },
  ],
  [
    'setUpFirstOperator',
    {
      door: 'open',
      body: () => ({ token: setUpToken, email: 'first@example.com', password }),
      refused: { body: () => ({ token: 'guess', email: 'first@example.com', password }), status: 400 },
    },
  ],
  [
    'changeOperatorPassword',
    { door: 'account', body: () => ({ currentPassword: password, newPassword: `${password}!` }) },
  ],
  ['signOutOperator', { door: 'account' }],
])

function functionsRequests(): [string, ValidRequest][] {
  const named = ({ ref }: Victim) => ({ ref, name: 'greet' })
  const secret = ({ ref }: Victim) => ({ ref, name: 'TOKEN' })
  return [
    ['listFunctions', { door: 'project', reads: true, path: project }],
    ['listDeployments', { door: 'project', reads: true, path: project }],
    [
      'readDeploymentSources',
      { door: 'project', reads: true, path: ({ ref, deploymentId }) => ({ ref, id: deploymentId }) },
    ],
    ['listLogs', { door: 'project', reads: true, path: project }],
    ['listFunctionLogs', { door: 'project', reads: true, path: named }],
    ['readFunctionUsage', { door: 'project', reads: true, path: project }],
    ['listSecrets', { door: 'project', reads: true, path: project }],
    ['getSecret', { door: 'project', reads: true, path: secret }],
    [
      'callFunction',
      {
        door: 'project',
        clients: true,
        path: named,
        body: ({ collection: name }) => ({ input: { collection: name } }),
      },
    ],
    [
      'deployFunctions',
      {
        door: 'project',
        path: project,
        body: () => ({ files: { 'functions/greet.ts': greeting('user') }, share: 0 }),
      },
    ],
    [
      'activateDeployment',
      { door: 'project', path: ({ ref, deploymentId }) => ({ ref, id: deploymentId }), body: () => ({}) },
    ],
    ['putSecret', { door: 'project', path: secret, body: () => ({ value: 'another' }) }],
    ['deleteSecret', { door: 'project', path: secret }],
  ]
}

function tasksRequests(): [string, ValidRequest][] {
  return [
    ['listTasks', { door: 'project', reads: true, path: project }],
    ['getTask', { door: 'project', reads: true, path: task }],
    [
      'enqueueTask',
      {
        door: 'project',
        path: project,
        body: () => ({ name: 'stray', payload: {}, delay: 3600, key: 'stray', onKeyConflict: 'keep' }),
      },
    ],
    [
      'publishMessage',
      { door: 'project', path: ({ ref }) => ({ ref, topic: 'greeted' }), body: () => ({ data: 1 }) },
    ],
    ['cancelTask', { door: 'project', path: task }],
    ['listTaskQueues', { door: 'project', reads: true, path: project }],
    ['putTaskQueue', { door: 'project', path: queue, body: () => ({ concurrency: 1, paused: true }) }],
    // What was cancelled above is begun anew, and waits: in a queue that is paused by now.
    ['retryTask', { door: 'project', path: task }],
    // One that no task is in any more.
    ['deleteTaskQueue', { door: 'project', path: ({ ref, emptyQueue: name }) => ({ ref, name }) }],
    ['listSchedules', { door: 'project', reads: true, path: project }],
    ['getSchedule', { door: 'project', reads: true, path: schedule }],
    [
      'putSchedule',
      { door: 'project', path: schedule, body: () => ({ cron: '0 0 1 1 *', task: { name: 'stray' } }) },
    ],
    ['deleteSchedule', { door: 'project', path: schedule }],
  ]
}

function usersRequests(): [string, ValidRequest][] {
  const nothing = (status: number) => ({ body: () => undefined, status })
  const form = { contentType: 'application/x-www-form-urlencoded', body: () => 'state=guess&token=guess' }
  const atProvider = ({ ref }: Victim) => ({ ref, provider: 'google' })
  return [
    ...personRequests.entries().map(([id, { path, body }]): [string, ValidRequest] => [
      id,
      {
        door: 'users',
        path: ({ ref, person }) => ({ ref, ...path?.(person) }),
        ...(body && { body: ({ person }) => body(person) }),
      },
    ]),
    [
      'showMagicLinkPage',
      { door: 'open', needsMore: true, path: project, query: { token: 'guess' }, refused: nothing(400) },
    ],
    [
      'followMagicLink',
      { door: 'open', needsMore: true, path: project, ...form, refused: { body: form.body, status: 400 } },
    ],
    [
      'startOAuth',
      {
        door: 'open',
        needsMore: true,
        path: atProvider,
        query: { redirectTo: 'https://app.example.com/', codeChallenge: 'x'.repeat(43) },
        refused: nothing(400),
      },
    ],
    [
      'finishOAuth',
      { door: 'open', needsMore: true, path: atProvider, query: { state: 'guess' }, refused: nothing(400) },
    ],
    [
      'finishOAuthByForm',
      {
        door: 'open',
        needsMore: true,
        path: atProvider,
        contentType: form.contentType,
        body: () => 'state=guess',
        refused: { body: () => 'state=guess', status: 400 },
      },
    ],
    ['getAuthSettings', { door: 'project', reads: true, path: project }],
    [
      'changeAuthSettings',
      { door: 'project', path: project, body: () => ({ settings: { sms: { enabled: false } } }) },
    ],
    ['rotateSigningKey', { door: 'project', path: project }],
    [
      'previewMail',
      { door: 'project', reads: true, path: project, body: () => ({ template: 'verify_email' }) },
    ],
    ['listMails', { door: 'project', reads: true, path: project }],
    ['listMailTemplates', { door: 'project', reads: true, path: project }],
    ['getMail', { door: 'project', reads: true, path: mail }],
    [
      'sendTestMail',
      { door: 'project', needsMore: true, path: project, body: () => ({ to: 'test@example.com' }) },
    ],
    ['retryMail', { door: 'project', path: mail }],
    ['listUsers', { door: 'project', reads: true, path: project }],
    ['getUser', { door: 'project', reads: true, path: user }],
    ['listUserSessions', { door: 'project', reads: true, path: user }],
    ['listUserFactors', { door: 'project', reads: true, path: user }],
    ['exportUsers', { door: 'project', reads: true, path: project }],
    ['createUser', { door: 'project', path: project, body: () => ({ email: 'new@example.com' }) }],
    ['changeUser', { door: 'project', path: user, body: () => ({ roles: ['editor'] }) }],
    ['impersonateUser', { door: 'project', path: user }],
    [
      'endUserSession',
      { door: 'project', path: (victim) => ({ ...user(victim), sessionId: victim.person.otherSessionId }) },
    ],
    ['endUserSessions', { door: 'project', path: user }],
    [
      'removeUserFactor',
      { door: 'project', path: (victim) => ({ ...user(victim), factorId: victim.person.factorId }) },
    ],
    ['removeUserFactors', { door: 'project', path: user }],
    [
      'unlinkUserIdentity',
      { door: 'project', path: (victim) => ({ ...user(victim), identityId: victim.person.identityId }) },
    ],
    [
      'importUsers',
      {
        door: 'project',
        path: project,
        contentType: 'application/x-ndjson',
        body: () => '{"email":"imported@example.com"}\n',
      },
    ],
    ['deleteUser', { door: 'project', path: user }],
  ]
}
