import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import t from 'tap'
import { FORM_BYTES_MAX, formsOf } from '../../lib/worker/mask/forms.js'
import { createMaskedLog } from '../../lib/worker/mask/masked-log.js'
import { createMasker } from '../../lib/worker/mask/masker.js'
import { LIMITS } from '../../protocol/limits.js'
import { growingFiles, maskedSlowly } from './mask-helpers.js'

const PEM = '-----BEGIN KEY-----\nMIIEvQ/+IBADANBgkq\r\nhkiG9w0B=\nshort\n-----END KEY-----'
const VALUES = ['pa$$ word/ü"\\&', PEM, '日本語のひみつ', '\u0001\u0002bell\u0007x', 'aaaaaa', 'abcabcabc']

const hide = (text: string, values: readonly string[] = VALUES): string => {
  const bytes = Buffer.from(text)
  createMasker(formsOf(values)).mask(bytes)
  return bytes.toString()
}

t.test('a value is hidden as it is, byte for byte, and its neighbours are not', async t => {
  for (const value of VALUES)
    t.equal(
      hide(`<${value}>${value}`),
      `<${'*'.repeat(Buffer.byteLength(value))}>${'*'.repeat(Buffer.byteLength(value))}`,
    )
  t.equal(hide('pa$$ word/ü"\\'), 'pa$$ word/ü"\\', 'a part of it is not it')
})

t.test('in base64 no value is left, wherever it begins', async t => {
  for (const encoding of ['base64', 'base64url'] as const)
    for (const value of VALUES)
      for (const before of ['', 'x', 'xy', 'xyz', 'user:'])
        for (const after of ['', '>', '>>']) {
          const encoded = Buffer.from(`${before}${value}${after}`).toString(encoding)
          const left = hide(encoded)
          t.equal(left.length, encoded.length)
          const count = Buffer.byteLength(value)
          const hidden = left.match(/\*/g)?.length ?? 0
          t.ok(hidden >= Math.floor((count * 8) / 6) - 1, `${value} behind ${before}: ${left}`)
        }
})

t.test('URL-encoded and escaped for JSON it is hidden, however the encoder does it', async t => {
  for (const value of VALUES) {
    const strict = encodeURIComponent(value).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16)}`)
    const json = JSON.stringify(value).slice(1, -1)
    const forms = [
      ...[encodeURIComponent(value), strict, strict.toLowerCase().includes('%') ? strict : value],
      ...[new URLSearchParams({ k: value }).toString().slice(2), strict.replaceAll('%2F', '/')],
      ...[json, json.replaceAll('/', '\\/')],
      json.replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ]
    for (const form of forms) t.equal(hide(`[${form}]`), `[${'*'.repeat(Buffer.byteLength(form))}]`, form)
  }
  t.equal(hide('a=pa%24%24%20word%2f%c3%bc%22%5c%26;'), `a=${'*'.repeat(33)};`, 'with small digits too')
})

t.test('each line of a value is hidden by itself, but not one that is shorter than a secret may be', async t => {
  t.equal(hide('1 MIIEvQ/+IBADANBgkq\n2 hkiG9w0B=\n3 short\n'), `1 ${'*'.repeat(18)}\n2 ${'*'.repeat(9)}\n3 short\n`)
})

t.test('no form is longer than a worker keeps of a log', async t => {
  const values = ['\u0001', 'ü', '\u{1f600}', '日', '"', '%', '\u007f'].map(char =>
    char.repeat(Math.floor(LIMITS.secretBytesMax.value / Buffer.byteLength(char))),
  )
  for (const form of formsOf(values)) t.ok(form.length <= FORM_BYTES_MAX && form.length >= 6)
})

const letters = fc.array(fc.constantFrom('a', 'b', '\n'), { minLength: 6, maxLength: 14 }).map(all => all.join(''))
const scene = fc.record({
  values: fc.array(letters, { minLength: 1, maxLength: 4 }),
  noise: fc.array(fc.constantFrom('a', 'b', '\n', 'c', '=', 'YW'), { maxLength: 60 }),
  planted: fc.array(fc.record({ at: fc.nat(60), which: fc.nat(999) }), { maxLength: 4 }),
})

/** Noise with forms of the secrets in it, some of them cut into by others. */
function logOf(
  { noise, planted }: { noise: string[]; planted: { at: number; which: number }[] },
  forms: readonly Buffer[],
) {
  const pieces = [...noise]
  for (const { at, which } of planted) pieces.splice(at, 0, String(forms[which % forms.length]))
  return Buffer.from(pieces.join(''))
}

t.test('property: a log is hidden alike wherever it is cut while it grows, and from wherever it is read', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async made => {
      const forms = formsOf(made.values)
      const log = logOf(made, forms)
      const whole = maskedSlowly(log, forms)
      for (const form of forms) if (whole.includes(form)) throw new Error('a secret is left')
      for (let cut = 0; cut <= log.length; cut++) {
        const { files, write } = growingFiles(7)
        const masked = createMaskedLog(files)
        masked.hide(made.values)
        write(log.subarray(0, cut))
        const early = await masked.files.streamBytes('stdout')
        const first = await masked.files.readStream('stdout', 0, early)
        write(log.subarray(cut))
        const later = await masked.files.streamBytes('stdout')
        if (later < early) throw new Error('it grew shorter')
        // Another process goes on from what was durable.
        const next = createMaskedLog(files)
        next.hide(made.values)
        next.end()
        const end = await next.files.streamBytes('stdout')
        const second = await next.files.readStream('stdout', early, end - early)
        if (end !== log.length || !Buffer.concat([first, second]).equals(whole)) throw new Error(`cut at ${cut}`)
        const back = Math.floor(early / 2)
        if (!(await next.files.readStream('stdout', back, 5)).equals(whole.subarray(back, back + 5)))
          throw new Error('read again it differs')
      }
    }),
    { numRuns: 60 },
  )
})

t.test('what cannot be the begin of a secret is not held back', async t => {
  const { files, write } = growingFiles(1_000)
  const masked = createMaskedLog(files)
  masked.hide(['correct horse'])
  write(Buffer.from('50 % done'))
  t.equal(await masked.files.streamBytes('stdout'), 9)
  write(Buffer.from(' correct ho'))
  t.equal(await masked.files.streamBytes('stdout'), 10)
  write(Buffer.from('use'))
  t.equal(await masked.files.streamBytes('stdout'), 23)
  write(Buffer.from(' correct ho'))
  masked.end()
  t.equal(await masked.files.streamBytes('stdout'), 34, 'at the end nothing is held back')
})

t.test('a log without secrets is as it is', async t => {
  const { files, write } = growingFiles(1_000)
  const masked = createMaskedLog(files)
  write(Buffer.from('correct horse'))
  t.equal(String(await masked.files.readStream('stdout', 0, 99)), 'correct horse')
  t.equal(await masked.files.streamBytes('stdout'), 13)
})
