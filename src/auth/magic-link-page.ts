import Type from 'typebox'
import { ApiError, notFound } from '../platform/errors.ts'
import type { HttpServer } from '../platform/http-server.ts'
import type { Project } from '../projects/project.ts'
import { closed } from '../projects/schemas.ts'
import type { Auth } from './auth.ts'
import { openLink } from './codes/link-token.ts'
import { followMagicLink } from './codes/sign-in-by-code.ts'
import { escapeHtml } from './mail/render-mail.ts'
import { linkTokenSchema, refParams } from './schemas.ts'

const path = '/v1/projects/:ref/auth/magic-link'
const config = { access: { door: 'open' } } as const
const tokenObject = Type.Object({ token: linkTokenSchema }, closed)

// The token is in the address, which must not go anywhere as a referrer.
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
}

/** Where a link in a mail leads: scanners that open every link find a button, which only people press. */
export function registerMagicLinkPage(app: HttpServer, auth: Auth): void {
  app.get(
    path,
    {
      config,
      schema: {
        operationId: 'showMagicLinkPage',
        summary: 'The page that a link in a mail leads to',
        tags: ['Auth'],
        params: refParams,
        querystring: tokenObject,
      },
    },
    async (request, reply) => {
      const project = await projectOf(request.params.ref)
      const { token } = request.query
      void reply.headers(headers)
      // Nobody learns a project's name without one of its mails.
      if (!isLink(auth, project, token)) return reply.code(400).send(uselessLinkPage())
      return reply.send(
        page(
          `Sign in to ${project.name}`,
          `<form method="post"><input type="hidden" name="token" value="${escapeHtml(token)}">
          <button>Continue</button></form>`,
        ),
      )
    },
  )

  // Forms are read on this route alone.
  void app.register(async (scope: HttpServer) => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 8192 },
      (_request, body, done) => done(null, { token: new URLSearchParams(String(body)).get('token') ?? '' }),
    )
    scope.post(
      path,
      {
        config,
        schema: {
          operationId: 'followMagicLink',
          summary: 'Use the link up and go on to the app',
          tags: ['Auth'],
          params: refParams,
          body: tokenObject,
        },
      },
      async (request, reply) => {
        const project = await projectOf(request.params.ref)
        void reply.headers(headers)
        try {
          return await reply.redirect(await followMagicLink(auth, project, request.body.token), 303)
        } catch (error) {
          if (!(error instanceof ApiError) || error.code !== 'code_invalid') throw error
          return reply.code(400).send(uselessLinkPage())
        }
      },
    )
  })

  async function projectOf(ref: string): Promise<Project> {
    const project = await auth.projects.byRef(ref)
    if (project === null) throw notFound('The project')
    return project
  }
}

function isLink(auth: Auth, project: Project, token: string): boolean {
  try {
    openLink(auth, project, ['magic_link'], token)
    return true
  } catch {
    return false
  }
}

function uselessLinkPage(): string {
  const text = '<p>It works once, for a short time. Ask for a new one.</p>'
  return page('This link is used or too old', text)
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>${escapeHtml(title)}</title>
<style>body{font:1rem system-ui;max-width:24rem;margin:20vh auto;padding:0 1rem;text-align:center}</style></head>
<body><h1>${escapeHtml(title)}</h1>${content}</body></html>`
}
