import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer } from 'smtp-server'

interface ReceivedMail extends Email {
  /** As the envelope says, not the headers. */
  recipients: string[]
  raw: string
}

export interface MailServer {
  port: number
  url: string
  /** Everything that arrived, the oldest first. */
  mails: ReceivedMail[]
  /** Makes the server refuse what comes, or take it again. */
  refuse(isRefusing: boolean): void
  /** The next mail to the address that nobody has taken yet. Throws after five seconds. */
  take(address: string): Promise<ReceivedMail>
  close(): Promise<void>
}

/** A real SMTP server on loopback. */
export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const taken = new Set<ReceivedMail>()
  let isRefusing = false
  async function receive(
    stream: AsyncIterable<Buffer>,
    recipients: string[],
    done: (error?: Error) => void,
  ): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const raw = Buffer.concat(chunks)
    if (!isRefusing) mails.push({ ...(await PostalMime.parse(raw)), recipients, raw: raw.toString() })
    done(isRefusing ? new Error('451 not now') : undefined)
  }

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      const recipients = session.envelope.rcptTo.map(({ address }) => address)
      void receive(stream, recipients, done)
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('the mail server has no port')

  async function take(to: string): Promise<ReceivedMail> {
    for (const end = Date.now() + 5_000; Date.now() < end;) {
      const mail = mails.find((one) => !taken.has(one) && one.recipients.includes(to))
      if (mail !== undefined) {
        taken.add(mail)
        return mail
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(
      `no mail for ${to} arrived; there are ${mails.map(({ recipients }) => recipients.join()).join(' ')}`,
    )
  }

  return {
    port: address.port,
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    refuse: (refusing) => (isRefusing = refusing),
    take,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** The six digits in a mail. */
export function codeIn(mail: { text?: string | undefined }): string {
  const code = /(?<!\d)\d{6}(?!\d)/.exec(mail.text ?? '')?.[0]
  if (code === undefined) throw new Error(`no code in ${mail.text}`)
  return code
}

/** The address in a mail. */
export function linkIn(mail: { text?: string | undefined }): URL {
  return new URL(/https?:\/\/\S+/.exec(mail.text ?? '')?.[0] ?? 'none:')
}
