import { Buffer } from 'node:buffer'
import t from 'tap'
import { BINDING_NAMES, type ChannelBindings } from '../../protocol/channel-binding.js'
import { LIMITS } from '../../protocol/limits.js'
import {
  checkServerFinal,
  clientFinal,
  clientFirst,
  credentialOf,
  deriveKeys,
  readClientFirst,
  readServerFirst,
  SALT_BYTES,
  type ScramCredential,
  type ScramKeys,
  serverFinal,
  serverFirst,
  unknownUserCredential,
} from '../../protocol/scram.js'

const E_AUTH = { code: 'E_AUTH' }
/** A refusal that tells nothing: what an attacker sees of a wrong password and of an unknown user. */
const SILENT = { code: 'E_AUTH', detail: {} }
const reason = (reason: string): { code: string; detail: { reason: string } } => ({
  code: 'E_AUTH',
  detail: { reason },
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const bytes = (text: string): Buffer => Buffer.from(text)

// The example of RFC 7677 §3.
const CLIENT_NONCE = 'rOprNGfwEbeRWgbNEkqO'
const SERVER_NONCE = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const FIRST = 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'
const CHALLENGE = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
const FINAL =
  'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
const PROVEN = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

async function example(): Promise<{ keys: ScramKeys; credential: ScramCredential }> {
  const keys = await deriveKeys('pencil', SALT, 4_096)
  return { keys, credential: credentialOf(keys, SALT, 4_096) }
}

const bindings = { 'tls-exporter': Buffer.alloc(32, 7), 'tls-server-end-point': Buffer.alloc(32, 8) }

t.test('a proof that is bound to one connection holds there and nowhere else', async t => {
  const { keys, credential } = await example()
  for (const name of BINDING_NAMES) {
    const binding = { name, data: bindings[name] }
    const first = clientFirst('user', CLIENT_NONCE, binding)
    t.equal(text(first.message), `p=${name},,n=user,r=${CLIENT_NONCE}`)
    const client = readClientFirst(first.message)
    t.match(client, { flag: 'p', bindingName: name })
    const here = serverFirst(client, credential, SERVER_NONCE, bindings)
    const read = readServerFirst(first.state, here.message)
    const final = clientFinal(read.state, keys)
    t.match(text(final.message), `c=${Buffer.concat([bytes(`p=${name},,`), bindings[name]]).toString('base64')},r=`)
    checkServerFinal(final.serverSignature, serverFinal(here.state, credential, final.message))
    const elsewhere = serverFirst(client, credential, SERVER_NONCE, { [name]: Buffer.alloc(32, 9) })
    t.throws(
      () => serverFinal(elsewhere.state, credential, final.message),
      reason('the channel is another: somebody sits in between'),
    )
  }
})

t.test('nobody in between talks a client out of a binding, or into one that is not there', async t => {
  const { credential } = await example()
  const start = (header: string, has: ChannelBindings) => () =>
    serverFirst(readClientFirst(bytes(`${header},n=user,r=${CLIENT_NONCE}`)), credential, SERVER_NONCE, has)
  t.doesNotThrow(start('y,', {}), 'the server has none indeed')
  t.doesNotThrow(start('n,', bindings), 'a client that knows of none')
  t.throws(
    start('y,', bindings),
    reason('no channel binding, although this connection has one: somebody sits in between'),
  )
  for (const header of ['p=tls-exporter,', 'p=tls-unique,', 'p=constructor,'])
    t.throws(start(header, {}), reason('a channel binding that this connection has not'), header)
  t.throws(start('p=tls-unique,', bindings), reason('a channel binding that this connection has not'))
  t.throws(start('p=,', bindings), reason('client-first-message'))
})

t.test('both sides say what the example of RFC 7677 says', async t => {
  const { keys, credential } = await example()
  const first = clientFirst('user', CLIENT_NONCE)
  t.equal(text(first.message), FIRST)
  const client = readClientFirst(first.message)
  t.match(client, { user: 'user', nonce: CLIENT_NONCE, gs2Header: 'n,,' })
  const challenge = serverFirst(client, credential, SERVER_NONCE)
  t.equal(text(challenge.message), CHALLENGE)
  const read = readServerFirst(first.state, challenge.message)
  t.strictSame([read.salt, read.iterations], [SALT, 4_096])
  const final = clientFinal(read.state, keys)
  t.equal(text(final.message), FINAL)
  const proven = serverFinal(challenge.state, credential, final.message)
  t.equal(text(proven), PROVEN)
  t.doesNotThrow(() => checkServerFinal(final.serverSignature, proven))
})

t.test('a wrong password and an unknown user are refused alike', async t => {
  const { credential } = await example()
  const unknown = unknownUserCredential(Buffer.alloc(32, 7), 'user')
  for (const [what, stored] of [
    ['wrong password', credential],
    ['unknown user', unknown],
  ] as const) {
    const wrong = await deriveKeys('pen', stored.salt, 4_096)
    const first = clientFirst('user', CLIENT_NONCE)
    const challenge = serverFirst(readClientFirst(first.message), stored, SERVER_NONCE)
    const server = bytes(text(challenge.message).replace(/i=.*/, 'i=4096'))
    const final = clientFinal(readServerFirst(first.state, server).state, wrong)
    t.throws(() => serverFinal(challenge.state, stored, final.message), SILENT, what)
  }
})

t.test('an unknown user gets the same salt each time, of the usual length, and another daemon another one', async t => {
  const secret = Buffer.alloc(32, 7)
  const one = unknownUserCredential(secret, 'nobody')
  t.strictSame(unknownUserCredential(secret, 'nobody'), one)
  t.equal(one.salt.length, SALT_BYTES)
  t.equal(one.iterations, LIMITS.scramIterationsDefault.value)
  t.notSame(unknownUserCredential(secret, 'nobody2').salt, one.salt)
  t.notSame(unknownUserCredential(Buffer.alloc(32, 8), 'nobody').salt, one.salt)
})

t.test('a password is the same in every Unicode form', async t => {
  t.strictSame(
    await deriveKeys('Stra\u00dfe \u00e9', SALT, 4_096),
    await deriveKeys('Stra\u00dfe e\u0301', SALT, 4_096),
  )
  t.notSame(await deriveKeys('a', SALT, 4_096), await deriveKeys('a', SALT, 4_097))
})

t.test('a user with , and = arrives as it was', async t => {
  t.equal(text(clientFirst('a,b=c', CLIENT_NONCE).message), `n,,n=a=2Cb=3Dc,r=${CLIENT_NONCE}`)
  t.equal(readClientFirst(clientFirst('a,b==2C', CLIENT_NONCE).message).user, 'a,b==2C')
})

t.test('the server takes the first messages that the RFC allows and refuses the others', async t => {
  for (const good of [FIRST, `y,,n=user,r=${CLIENT_NONCE}`, `n,a=user,n=user,r=${CLIENT_NONCE}`, `${FIRST},x=later`])
    t.equal(readClientFirst(bytes(good)).user, 'user', good)
  const cases: [string, string][] = [
    ['', 'client-first-message'],
    ['n=user,r=rOprNGfwEbeRWgbNEkqO', 'client-first-message'],
    ['x,,n=user,r=rOprNGfwEbeRWgbNEkqO', 'client-first-message'],
    ['n,,m=must,n=user,r=rOprNGfwEbeRWgbNEkqO', 'client-first-message'],
    ['n,,n=user', 'client-first-message'],
    ['n,,r=rOprNGfwEbeRWgbNEkqO,n=user', 'client-first-message'],
    ['n,,n=user,r=short', 'client-first-message'],
    [`n,,n=user,r=${'x'.repeat(129)}`, 'client-first-message'],
    ['n,,n=user,r=rOprNGfwEbe\u0007WgbNEkqO', 'client-first-message'],
    ['n,a=admin,n=user,r=rOprNGfwEbeRWgbNEkqO', 'an authorization identity'],
    ['n,,n=,r=rOprNGfwEbeRWgbNEkqO', 'the user'],
    ['n,,n=us=er,r=rOprNGfwEbeRWgbNEkqO', 'the user'],
    ['n,,n=us=2cer,r=rOprNGfwEbeRWgbNEkqO', 'the user'],
  ]
  for (const [message, why] of cases) t.throws(() => readClientFirst(bytes(message)), reason(why), message)
  t.throws(() => readClientFirst(Uint8Array.of(0x6e, 0xff)), reason('text that is not UTF-8'))
})

t.test('the client refuses a server that changes the nonce or asks for too little or too much', async t => {
  const { state } = clientFirst('user', CLIENT_NONCE)
  const salt = SALT.toString('base64')
  const cases: [string, string][] = [
    ['', 'server-first-message'],
    [`s=${salt},r=${CLIENT_NONCE}x,i=4096`, 'server-first-message'],
    [`m=must,r=${CLIENT_NONCE}x,s=${salt},i=4096`, 'server-first-message'],
    [`r=${CLIENT_NONCE}x,s=${salt},i=`, 'server-first-message'],
    [`r=${CLIENT_NONCE}x,s=${salt},i=04096`, 'server-first-message'],
    [`r=${CLIENT_NONCE}x,s=${salt},i=-4096`, 'server-first-message'],
    [`r=x${CLIENT_NONCE},s=${salt},i=4096`, 'the nonce of the server'],
    [`r=${CLIENT_NONCE},s=${salt},i=4096`, 'the nonce of the server'],
    [`r=${CLIENT_NONCE}x,s=${salt},i=4095`, 'the iteration count of the server'],
    [`r=${CLIENT_NONCE}x,s=${salt},i=10000001`, 'the iteration count of the server'],
    [`r=${CLIENT_NONCE}x,s=,i=4096`, 'base64'],
    [`r=${CLIENT_NONCE}x,s=${salt}=,i=4096`, 'base64'],
    [`r=${CLIENT_NONCE}x,s=AAAA,i=4096`, 'the salt of the server'],
  ]
  for (const [message, why] of cases) t.throws(() => readServerFirst(state, bytes(message)), reason(why), message)
  const read = readServerFirst(state, bytes(`r=${CLIENT_NONCE}x,s=${salt},i=4096,x=later`))
  t.equal(read.iterations, 4_096, 'extensions are ignored')
})

t.test('the server refuses a last message that is not the answer to its challenge', async t => {
  const { credential } = await example()
  const { state } = serverFirst(readClientFirst(bytes(FIRST)), credential, SERVER_NONCE)
  const cases: [string, object][] = [
    [FINAL.replace('c=biws', 'c=eSws'), reason('the GS2 header changed')],
    [FINAL.replace('$k0', '$k1'), reason('the nonce changed')],
    [FINAL.replace('dHzb', 'dHzc'), SILENT],
    [FINAL.replace(',p=', ',x=later,p='), SILENT],
    [FINAL.replace(/p=.*/, 'p=AAAA'), reason('a proof that is not 32 bytes')],
    [FINAL.replace(/p=.*/, 'p=***'), reason('base64')],
    [FINAL.replace(/,p=.*/, ''), reason('client-final-message')],
    ['', reason('client-final-message')],
  ]
  for (const [message, refusal] of cases)
    t.throws(() => serverFinal(state, credential, bytes(message)), refusal as { code: string }, message)
})

t.test('the client refuses a server that does not know the credential', async t => {
  const { keys } = await example()
  const { state } = readServerFirst(clientFirst('user', CLIENT_NONCE).state, bytes(CHALLENGE))
  const { serverSignature } = clientFinal(state, keys)
  t.doesNotThrow(() => checkServerFinal(serverSignature, bytes(`${PROVEN},x=later`)))
  const other = PROVEN.replace('6rri', '6rrj')
  t.throws(() => checkServerFinal(serverSignature, bytes(other)), reason('the server is another'))
  t.throws(() => checkServerFinal(serverSignature, bytes('v=AAAA')), reason('the server is another'))
  for (const message of ['', 'e=other-error', 'v='])
    t.throws(() => checkServerFinal(serverSignature, bytes(message)), E_AUTH, message)
})
