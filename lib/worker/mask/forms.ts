import { Buffer } from 'node:buffer'
import { LIMITS } from '../../../protocol/limits.js'

const BYTES_MIN = LIMITS.secretBytesMin.value

/**
 * Every form in which a log may show one of these values, or a line of one: as it is, in base64 (wherever it begins in
 * what was encoded), URL-encoded, escaped for JSON. None is shorter than LIMITS.secretBytesMin, or longer than
 * FORM_BYTES_MAX.
 */
export function formsOf(values: readonly string[]): readonly Buffer[] {
  const forms = new Set<string>()
  for (const value of values)
    for (const piece of piecesOf(value))
      for (const form of [piece, ...base64Forms(piece), ...urlForms(piece), ...jsonForms(piece)]) forms.add(form)
  return [...forms].map(form => Buffer.from(form))
}

/** JSON may write \u00XX for a byte. */
export const FORM_BYTES_MAX = 6 * LIMITS.secretBytesMax.value

/** Programs print long values line by line. A short line alone is no secret, and would be found everywhere. */
const piecesOf = (value: string): readonly string[] =>
  [value, ...value.split(/\r\n|[\r\n]/)].filter(piece => Buffer.byteLength(piece) >= BYTES_MIN)

/** Three characters hold four times six bits: a value may begin at each of three places among them. RFC 4648 §4, §5. */
function base64Forms(piece: string): readonly string[] {
  const bytes = Buffer.from(piece)
  return [0, 1, 2].flatMap(before => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // Characters that also hold bits of a neighbour differ with it.
    const whole = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

/** Encoders differ in what they leave as it is, in the blank, and in the case of their digits. RFC 3986 §2. */
function urlForms(piece: string): readonly string[] {
  const component = encodeURIComponent(piece)
  const strict = component.replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
  const form = new URLSearchParams([['', piece]]).toString().slice(1)
  const forms = [component, strict, form, strict.replaceAll('%20', '+'), strict.replaceAll('%2F', '/')]
  return [...forms, ...forms.map(text => text.replace(/%[0-9A-F]{2}/g, digits => digits.toLowerCase()))]
}

/** Encoders differ in whether they escape a slash, and what is not ASCII. RFC 8259 §7. */
function jsonForms(piece: string): readonly string[] {
  const plain = JSON.stringify(piece).slice(1, -1)
  const ascii = plain.replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const forms = [plain, ascii]
  return [...forms, ...forms.map(text => text.replaceAll('/', '\\/'))]
}
