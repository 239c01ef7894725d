import type SMTPTransport from 'nodemailer/lib/smtp-transport'
import type { Config } from '../../config.ts'
import { resolveHost } from '../../platform/outbound-http.ts'
import type { LoadedAuthSettings } from '../settings/settings-store.ts'
import type { RenderedMail } from './render-mail.ts'

const timeouts = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
  dnsTimeout: 10_000,
}

/** Whether mails of the project leave at all; without a server they stay in the outbox. */
export function hasSmtp(config: Config, { settings }: LoadedAuthSettings): boolean {
  return settings.smtp !== undefined || config.smtp !== undefined
}

/** Hands one mail to the project's server or to the default one. Throws what the server says. */
export async function sendBySmtp(
  config: Config,
  loaded: LoadedAuthSettings,
  recipient: string,
  { subject, text, html }: RenderedMail,
): Promise<void> {
  const { from, ...options } = await serverOf(config, loaded)
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    ...options,
    ...timeouts,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  try {
    // As an object: nodemailer takes a string apart at commas, and an address may have some.
    await transport.sendMail({ from, to: { name: '', address: recipient }, subject, text, html })
  } finally {
    transport.close()
  }
}

async function serverOf(
  config: Config,
  { settings: { smtp }, secrets }: LoadedAuthSettings,
): Promise<SMTPTransport.Options & { from: string }> {
  if (smtp === undefined) {
    if (config.smtp === undefined) throw new Error('no SMTP server is set')
    return { url: config.smtp.url, from: config.smtp.from }
  }
  const { host, port, secure, user, from } = smtp
  const [found] = await resolveHost(config, host, AbortSignal.timeout(timeouts.dnsTimeout))
  return {
    // Projects name their servers themselves, so it goes to the address that was checked.
    host: found?.address ?? '',
    port,
    secure,
    tls: { servername: host },
    from,
    // A password never goes over a line that anybody can read.
    ...(user === undefined ? {} : { requireTLS: true, auth: { user, pass: secrets.smtpPassword ?? '' } }),
  }
}
