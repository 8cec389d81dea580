import * as z from 'zod/mini'

/** What [tls] of jankins.conf says. */
export interface TlsConfig {
  /** Files in PEM, or `auto`: made at the first start. */
  readonly certificate: { readonly certFile: string; readonly keyFile: string } | 'auto'
  /** Undefined: nobody logs in by certificate. */
  readonly clients: TlsClients | undefined
}

/** Who may log in by certificate. */
export interface TlsClients {
  /** Certificates of the authorities that sign those of clients, in PEM. */
  readonly caFile: string
  readonly users: CertificateUsers
}

/** From the subject of a certificate to a user. */
export interface CertificateUsers {
  /** The common name is the user, where no subject fits. */
  readonly byCommonName: boolean
  readonly bySubject: readonly { readonly subject: string; readonly user: string }[]
}

/** An empty text is an absent one: so every key can be shown with its default. */
export const optionalText = z.pipe(
  z.optional(z.string()),
  z.transform((text: string | undefined) => text || undefined),
)

const client = z.pipe(
  z.strictObject({ subject: optionalText, user: optionalText }),
  z.transform(({ subject, user }, payload) => {
    if (subject !== undefined && user !== undefined) return { subject, user }
    if (subject !== user) refuse(payload, 'needs both subject and user')
    return undefined
  }),
)

const keys = z.strictObject({
  auto: z._default(z.boolean(), false),
  cert: optionalText,
  key: optionalText,
  client_ca: optionalText,
  client_cn: z._default(z.boolean(), false),
  client: z._default(z.array(client), []),
})

export const tlsKeyNames: readonly string[] = Object.keys(keys.shape)

/** Undefined where TLS is not asked for. */
export const tlsKeys = z.pipe(
  keys,
  z.transform(({ auto, cert, key, client_ca, client_cn, client }, payload): TlsConfig | undefined => {
    const bySubject = client.filter(entry => entry !== undefined)
    const isMapped = client_cn || bySubject.length > 0
    if ((cert === undefined) !== (key === undefined)) refuse(payload, 'needs both cert and key')
    else if (auto && cert !== undefined) refuse(payload, 'has either auto or cert and key')
    else if (client_ca === undefined && isMapped) refuse(payload, 'needs client_ca for certificates of clients')
    else if (client_ca !== undefined && !isMapped)
      refuse(payload, 'lets no certificate of client_ca in: give [[tls.client]] or client_cn = true')
    else if (client_ca !== undefined && !auto && cert === undefined) refuse(payload, 'needs auto, or cert and key')
    if (!auto && (cert === undefined || key === undefined)) return undefined
    const users = { byCommonName: client_cn, bySubject }
    return {
      certificate: cert !== undefined && key !== undefined ? { certFile: cert, keyFile: key } : 'auto',
      clients: client_ca === undefined ? undefined : { caFile: client_ca, users },
    }
  }),
)

/** For a transformation: says what is wrong with the value that it was given. */
export function refuse(payload: z.core.ParsePayload, message: string): void {
  payload.issues.push({ code: 'custom', message, input: payload.value })
}
