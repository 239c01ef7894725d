/** The mails and messages that go out, each with what its template may name. */
export const placeholders = {
  verify_email: ['app', 'email', 'code', 'link', 'minutes'],
  sign_in_code: ['app', 'email', 'code', 'minutes'],
  magic_link: ['app', 'email', 'link', 'minutes'],
  reset_password: ['app', 'email', 'code', 'link', 'minutes'],
  password_changed: ['app', 'email'],
  change_email: ['app', 'email', 'code', 'minutes'],
  email_changed: ['app', 'email', 'newEmail'],
  account_exists: ['app', 'email'],
  sign_in_method_added: ['app', 'email', 'authenticator', 'passkey', 'provider', 'recoveryCodes'],
  sign_in_method_removed: ['app', 'email', 'authenticator', 'passkey', 'provider', 'recoveryCodes'],
  sms_code: ['app', 'code', 'minutes'],
} as const

export type TemplateName = keyof typeof placeholders

/** A paragraph that names something without a value, such as a link where none is set, is left out. */
export interface Template {
  subject: string
  text: string
  /** Without one it is made from the text. */
  html?: string
}

export const defaultLanguage = 'en'

/** By language. */
export const defaultTemplates: Readonly<Record<string, Readonly<Record<TemplateName, Template>>>> = {
  en: {
    verify_email: {
      subject: '{{code}} is your code for {{app}}',
      text: paragraphs(
        'Confirm that {{email}} is yours. Your code for {{app}}:',
        '{{code}}',
        'Or open this link: {{link}}',
        'It is good for {{minutes}} minutes. If you did not sign up, ignore this mail.',
      ),
    },
    sign_in_code: {
      subject: '{{code}} is your code for {{app}}',
      text: paragraphs(
        'Your code to sign in to {{app}}:',
        '{{code}}',
        'It is good for {{minutes}} minutes. If you did not ask for it, ignore this mail and tell nobody the code.',
      ),
    },
    magic_link: {
      subject: 'Sign in to {{app}}',
      text: paragraphs(
        'Open this link to sign in to {{app}}: {{link}}',
        'It is good for {{minutes}} minutes, and once. If you did not ask for it, ignore this mail.',
      ),
    },
    reset_password: {
      subject: 'A new password for {{app}}',
      text: paragraphs(
        'Somebody asked for a new password for {{email}}. Your code:',
        '{{code}}',
        'Or open this link: {{link}}',
        'It is good for {{minutes}} minutes. If it was not you, ignore this mail: your password stays as it is.',
      ),
    },
    password_changed: {
      subject: 'Your password for {{app}} was changed',
      text: paragraphs(
        'The password of {{email}} was changed, and other devices were signed out.',
        'If it was not you, reset your password now.',
      ),
    },
    change_email: {
      subject: '{{code}} confirms your new address',
      text: paragraphs(
        'Confirm that {{email}} is your new address for {{app}}. Your code:',
        '{{code}}',
        'It is good for {{minutes}} minutes. If you did not ask for it, ignore this mail.',
      ),
    },
    email_changed: {
      subject: 'A new address for your account with {{app}}',
      text: paragraphs(
        'Somebody asked to change the address of your account from {{email}} to {{newEmail}}.',
        'If it was not you, change your password now.',
      ),
    },
    account_exists: {
      subject: 'You have an account with {{app}} already',
      text: paragraphs(
        'Somebody tried to sign up to {{app}} with {{email}}, which has an account already.',
        'If it was you, sign in, or reset your password. If not, there is nothing to do.',
      ),
    },
    sign_in_method_added: {
      subject: 'A new way to sign in to {{app}}',
      text: paragraphs(
        'Something was added to your account {{email}}:',
        'An authenticator app: {{authenticator}}',
        'A passkey: {{passkey}}',
        'An account at: {{provider}}',
        '{{recoveryCodes}} recovery codes, in the place of any older ones',
        'If it was not you, sign in, remove it, sign out all other devices and change your password.',
      ),
    },
    sign_in_method_removed: {
      subject: 'A way to sign in to {{app}} was removed',
      text: paragraphs(
        'Something was removed from your account {{email}}:',
        'An authenticator app: {{authenticator}}',
        'A passkey: {{passkey}}',
        'An account at: {{provider}}',
        '{{recoveryCodes}} recovery codes',
        'If you did not ask for it, sign in, sign out all other devices and change your password.',
      ),
    },
    sms_code: { subject: '', text: '{{code}} is your code for {{app}}. Tell nobody.' },
  },
  de: {
    verify_email: {
      subject: '{{code}} ist dein Code für {{app}}',
      text: paragraphs(
        'Bestätige, dass {{email}} dir gehört. Dein Code für {{app}}:',
        '{{code}}',
        'Oder öffne diesen Link: {{link}}',
        'Er gilt {{minutes}} Minuten. Wenn du dich nicht angemeldet hast, ignoriere diese Mail.',
      ),
    },
    sign_in_code: {
      subject: '{{code}} ist dein Code für {{app}}',
      text: paragraphs(
        'Dein Code zur Anmeldung bei {{app}}:',
        '{{code}}',
        'Er gilt {{minutes}} Minuten. Wenn du ihn nicht angefordert hast, ignoriere diese Mail und gib ihn nicht weiter.',
      ),
    },
    magic_link: {
      subject: 'Anmeldung bei {{app}}',
      text: paragraphs(
        'Öffne diesen Link, um dich bei {{app}} anzumelden: {{link}}',
        'Er gilt {{minutes}} Minuten und einmal. Wenn du ihn nicht angefordert hast, ignoriere diese Mail.',
      ),
    },
    reset_password: {
      subject: 'Neues Passwort für {{app}}',
      text: paragraphs(
        'Für {{email}} wurde ein neues Passwort angefordert. Dein Code:',
        '{{code}}',
        'Oder öffne diesen Link: {{link}}',
        'Er gilt {{minutes}} Minuten. Wenn du es nicht warst, ignoriere diese Mail: Dein Passwort bleibt, wie es ist.',
      ),
    },
    password_changed: {
      subject: 'Dein Passwort für {{app}} wurde geändert',
      text: paragraphs(
        'Das Passwort von {{email}} wurde geändert, und andere Geräte wurden abgemeldet.',
        'Wenn du es nicht warst, setze dein Passwort jetzt zurück.',
      ),
    },
    change_email: {
      subject: '{{code}} bestätigt deine neue Adresse',
      text: paragraphs(
        'Bestätige, dass {{email}} deine neue Adresse für {{app}} ist. Dein Code:',
        '{{code}}',
        'Er gilt {{minutes}} Minuten. Wenn du ihn nicht angefordert hast, ignoriere diese Mail.',
      ),
    },
    email_changed: {
      subject: 'Neue Adresse für dein Konto bei {{app}}',
      text: paragraphs(
        'Die Adresse deines Kontos soll von {{email}} zu {{newEmail}} geändert werden.',
        'Wenn du es nicht warst, ändere jetzt dein Passwort.',
      ),
    },
    account_exists: {
      subject: 'Du hast schon ein Konto bei {{app}}',
      text: paragraphs(
        'Jemand wollte sich bei {{app}} mit {{email}} registrieren; dafür gibt es schon ein Konto.',
        'Wenn du es warst, melde dich an oder setze dein Passwort zurück. Wenn nicht, ist nichts zu tun.',
      ),
    },
    sign_in_method_added: {
      subject: 'Neue Anmeldung für dein Konto bei {{app}}',
      text: paragraphs(
        'Zu deinem Konto {{email}} kam etwas hinzu:',
        'Eine Authenticator-App: {{authenticator}}',
        'Ein Passkey: {{passkey}}',
        'Ein Konto bei: {{provider}}',
        '{{recoveryCodes}} Wiederherstellungscodes anstelle aller älteren',
        'Wenn du es nicht warst, melde dich an, entferne es, melde alle anderen Geräte ab und ändere dein Passwort.',
      ),
    },
    sign_in_method_removed: {
      subject: 'Eine Anmeldung für dein Konto bei {{app}} wurde entfernt',
      text: paragraphs(
        'Von deinem Konto {{email}} wurde etwas entfernt:',
        'Eine Authenticator-App: {{authenticator}}',
        'Ein Passkey: {{passkey}}',
        'Ein Konto bei: {{provider}}',
        '{{recoveryCodes}} Wiederherstellungscodes',
        'Wenn du das nicht wolltest, melde dich an, melde alle anderen Geräte ab und ändere dein Passwort.',
      ),
    },
    sms_code: { subject: '', text: '{{code}} ist dein Code für {{app}}. Gib ihn nicht weiter.' },
  },
}

function paragraphs(...texts: string[]): string {
  return texts.join('\n\n')
}
