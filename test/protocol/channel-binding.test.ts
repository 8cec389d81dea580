import { createHash } from 'node:crypto'
import t from 'tap'
import { bestBinding, serverEndPoint } from '../../protocol/channel-binding.js'

const der = (...values: readonly [tag: string, content: string][]): string =>
  values
    .map(([tag, content]) => {
      const { length } = Buffer.from(content, 'hex')
      return tag + (length < 0x80 ? hex(length, 1) : `82${hex(length, 2)}`) + content
    })
    .join('')
const hex = (n: number, bytes: number): string => n.toString(16).padStart(2 * bytes, '0')

/** The frame of a certificate: something signed, the algorithm, the signature. */
const certificate = (algorithm: string, signedBytes = 200): Buffer =>
  Buffer.from(der(['30', der(['30', '00'.repeat(signedBytes)], ['30', der(['06', algorithm])], ['03', '00'])]), 'hex')

t.test('a certificate is hashed as its signature is, and never by MD5 or SHA-1', async t => {
  const cases = [
    ['2a864886f70d010104', 'sha256'],
    ['2a864886f70d010105', 'sha256'],
    ['2a864886f70d01010b', 'sha256'],
    ['2a864886f70d01010c', 'sha384'],
    ['2a864886f70d01010d', 'sha512'],
    ['2a8648ce3d040302', 'sha256'],
    ['2a8648ce3d040303', 'sha384'],
    ['2a8648ce3d040304', 'sha512'],
  ] as const
  for (const [algorithm, hash] of cases)
    for (const bytes of [10, 1_000]) {
      const der = certificate(algorithm, bytes)
      t.strictSame(serverEndPoint(der), createHash(hash).update(der).digest(), `${algorithm}, ${bytes} bytes`)
    }
})

t.test('what has no hash, and what is no certificate, has no such binding', async t => {
  t.equal(serverEndPoint(certificate('2b6570')), undefined, 'Ed25519')
  const whole = certificate('2a8648ce3d040302')
  for (let length = 0; length < whole.length; length++) t.equal(serverEndPoint(whole.subarray(0, length)), undefined)
  for (const text of ['', '3000', '30ff', '3084ffffffff', '308500000000ff', '020100'])
    t.equal(serverEndPoint(Buffer.from(text, 'hex')), undefined, text)
})

t.test('that of the connection is better than that of the certificate', async t => {
  const both = { 'tls-server-end-point': Buffer.from('b'), 'tls-exporter': Buffer.from('a') }
  t.strictSame(bestBinding(both), { name: 'tls-exporter', data: Buffer.from('a') })
  t.match(bestBinding({ 'tls-server-end-point': Buffer.from('b') }), { name: 'tls-server-end-point' })
  t.equal(bestBinding({}), undefined)
})
