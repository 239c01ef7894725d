import { createHmac } from 'node:crypto'
import type { Config } from '../../config.ts'
import { outboundFetch } from '../../platform/outbound-http.ts'
import type { AuthSettings } from '../settings/auth-settings.ts'
import type { LoadedAuthSettings } from '../settings/settings-store.ts'

type SmsSender = NonNullable<AuthSettings['smsSender']>

/** Hands one message to the project's sender. Throws when it doesn't take it; `id` lets it know a message it has had. */
export async function sendSms(
  config: Config,
  { settings: { smsSender }, secrets }: LoadedAuthSettings,
  message: { id: string; to: string; text: string },
): Promise<void> {
  if (smsSender === undefined) throw new Error('no sender of SMS is set')
  const token = secrets.smsToken ?? ''
  const { headers, body } =
    smsSender.kind === 'webhook' ? webhookRequest(token, message) : twilioRequest(smsSender, token, message)
  const response = await outboundFetch(config, smsSender.url, {
    method: 'POST',
    headers,
    body,
    redirect: 'error',
  })
  if (!response.ok) throw new Error(`the sender of SMS answered ${response.status}`)
}

/** Signed as https://www.standardwebhooks.com says: HMAC-SHA256 over id, time and body. */
function webhookRequest(
  token: string,
  { id, to, text }: { id: string; to: string; text: string },
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify({ id, to, text })
  const timestamp = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', token).update(`${id}.${timestamp}.${body}`).digest('base64')
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  }
}

/** https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource */
function twilioRequest(
  { accountSid = '', from = '' }: SmsSender,
  token: string,
  { to, text }: { to: string; text: string },
): { headers: Record<string, string>; body: string } {
  const authorization = `Basic ${Buffer.from(`${accountSid}:${token}`).toString('base64')}`
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded', authorization },
    body: new URLSearchParams({ To: to, From: from, Body: text }).toString(),
  }
}
