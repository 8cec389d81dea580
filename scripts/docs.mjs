// Fills the generated parts of protocol/PROTOCOL.md: what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`;
// and writes docs/actions.schema.json and the man pages.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { manPages } from './man.mjs'

const DOCUMENT = 'protocol/PROTOCOL.md'
/** How the form of names begins; it is told once, in the chapter on messages. */
const NAME_FORM = '1 to 64 letters'
const TRANSCRIPTS = 'protocol/transcripts'

/** The generated parts by name. `tables` are the exports of protocol/: methods, errors, limits and views. */
export function parts(tables) {
  const named = new Map(Object.entries(tables.VIEWS).map(([name, schema]) => [schema.shape, name]))
  const all = {
    methods: Object.entries(tables.METHODS)
      .map(([name, row]) => method(name, row, named))
      .join('\n\n'),
    notices: Object.entries(tables.NOTICES)
      .map(([name, row]) => `**\`${name}\`** ${row.doc}\n\n${fields('params', row.params, named)}`)
      .join('\n\n'),
    views: Object.entries(tables.VIEWS)
      .map(([name, schema]) => `### ${name}\n\n${table(rowsOf(schema, named, ''))}`)
      .join('\n\n'),
    'common errors': tables.COMMON_ERRORS.map(code => `\`${code}\``).join(', '),
    errors: errors(tables.ERROR_CODES),
    limits: limits(tables.LIMITS),
  }
  for (const file of readdirSync(TRANSCRIPTS))
    all[`transcript ${file.replace(/\.txt$/, '')}`] = fenced(readFileSync(`${TRANSCRIPTS}/${file}`, 'utf8'))
  return all
}

/** The document with every part filled in anew. Throws when it names a part that does not exist. */
export function fill(document, all) {
  return document.replace(/<!-- begin ([^>]+?) -->\n[\s\S]*?<!-- end \1 -->/g, (_, name) => {
    if (all[name] === undefined) throw new Error(`${DOCUMENT}: nothing is generated under the name ${name}`)
    return `<!-- begin ${name} -->\n\n${all[name]}\n\n<!-- end ${name} -->`
  })
}

function method(name, row, named) {
  const who = row.roles.includes('none') ? 'before authentication' : row.roles.join(', ')
  const codes = row.errors.map(code => `\`${code}\``).join(', ') || 'only the common ones'
  return [
    `### ${name}`,
    row.doc,
    `For: ${who}. Since protocol ${row.since}. Errors: ${codes}.`,
    fields('params', row.params, named),
    fields('result', row.result, named),
  ].join('\n\n')
}

function fields(title, schema, named) {
  const rows = rowsOf(schema, named, '')
  return rows.length === 0 ? `${title}: an empty map.` : `${title}:\n\n${table(rows)}`
}

function rowsOf(schema, named, path) {
  return Object.entries(schema.shape.fields).flatMap(([key, field]) => {
    const name = path + key
    const inner = innerMap(field, named)
    const row = [`\`${name}\``, typeOf(field, key, named), field.optional ? 'may be missing' : '', sentence(field)]
    return [row, ...(inner ? rowsOf(inner.schema, named, `${name}${inner.suffix}.`) : [])]
  })
}

/** The map without a name of its own that a field is, or is a list of. */
function innerMap(field, named) {
  const { shape } = field
  if (named.has(shape)) return undefined
  if (shape.kind === 'obj') return { schema: field, suffix: '' }
  if (shape.kind === 'list' && shape.of.shape.kind === 'obj' && !named.has(shape.of.shape))
    return { schema: shape.of, suffix: '[]' }
  return undefined
}

/** What the field itself says, or what its items say. */
const sentence = ({ doc, shape }) => doc ?? (shape.kind === 'list' ? (shape.of.doc ?? '') : '')

function typeOf(schema, key, named) {
  const { shape } = schema
  if (shape.form?.startsWith(NAME_FORM)) return '[name](#3-messages)'
  const name = named.get(shape)
  if (name) return `[${name}](#${name.replaceAll(' ', '-')})`
  switch (shape.kind) {
    case 'int':
      return `integer, ${range(shape)}${unit(key)}`
    case 'float':
      return `number, ${range(shape)}`
    case 'bool':
      return 'boolean'
    case 'text':
      return `text, ${shape.form ?? `at most ${bytes(shape.bytesMax)}`}`
    case 'bytes':
      return `binary, ${shape.bytesMin === shape.bytesMax ? '' : `${number(shape.bytesMin)} to `}${bytes(shape.bytesMax)}`
    case 'choice':
      return shape.values.map(value => `"${value}"`).join(' or ')
    case 'list':
      return `list of at most ${number(shape.countMax)}: ${typeOf(shape.of, '', named)}`
    case 'pair':
      return `array of two: ${typeOf(shape.first, '', named)}; ${typeOf(shape.second, '', named)}`
    case 'obj':
      return 'map'
  }
}

/** The last word of a field's name is its unit. */
function unit(key) {
  if (/(AtMs|^nowMs)$/.test(key)) return ', ms since 1970 UTC'
  if (/Ms$/.test(key)) return ', ms'
  return /[bB]ytes(Max)?$|^offset$|ength$/.test(key) ? ', bytes' : ''
}

const range = ({ min, max }) => `${number(min)} to ${number(max)}`
const bytes = count => `${number(count)} ${count === 1 ? 'byte' : 'bytes'}`
function number(n) {
  if (n === Number.MAX_SAFE_INTEGER) return '2^53 - 1'
  return n === 2 ** 32 - 1 ? '2^32 - 1' : n.toLocaleString('en-US')
}

const table = rows => aligned([['field', 'value', '', 'meaning'], ...rows])

function errors(codes) {
  const rows = Object.entries(codes).map(([code, { text, retry }]) => [
    `\`${code}\``,
    retry === true ? 'yes' : 'no',
    text,
  ])
  return aligned([['code', 'retry', 'meaning'], ...rows])
}

function limits(all) {
  const rows = Object.entries(all).map(([name, { value, doc, beyond, key }]) => {
    const shown = key === undefined ? '' : `\`${key}\``
    return [`\`${name}\``, number(value), shown, doc, beyond]
  })
  return aligned([['limit', 'value', 'default of', 'meaning', 'beyond it'], ...rows])
}

/** A table as the formatter would leave it, so that what is generated is also what is checked. */
function aligned([head, ...rows]) {
  const cells = [head, ...rows].map(row => row.map(text => text.replaceAll('|', '\\|')))
  const widths = head.map((_, column) => Math.max(3, ...cells.map(row => row[column].length)))
  const line = row => `| ${row.map((text, column) => text.padEnd(widths[column])).join(' | ')} |`
  return [line(cells[0]), line(widths.map(width => '-'.repeat(width))), ...cells.slice(1).map(line)].join('\n')
}

const fenced = text => `\`\`\`text\n${text.trimEnd()}\n\`\`\``

async function manSources() {
  const [{ COMMANDS }, { daemon }, { USAGE }, { JANKINS_VERSION }] = await Promise.all(
    ['lib/cli/commands', 'lib/cli/options', 'lib/server/front/command', 'protocol/version'].map(
      name => import(`../dist/${name}.js`),
    ),
  )
  return { COMMANDS, daemon, USAGE, conf: readFileSync('jankins.conf', 'utf8'), version: JANKINS_VERSION }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const from = name => import(`../dist/protocol/${name}.js`)
  const [methods, errors, limits, views] = await Promise.all(['methods', 'errors', 'limits', 'views'].map(from))
  const VIEWS = {
    job: views.jobView,
    action: views.actionView,
    user: views.userView,
    worker: views.workerView,
    grant: views.grant,
  }
  writeFileSync(DOCUMENT, fill(readFileSync(DOCUMENT, 'utf8'), parts({ ...methods, ...errors, ...limits, VIEWS })))
  const { actionsSchema } = await import('../dist/lib/cli/actions-file/schema.js')
  writeFileSync('docs/actions.schema.json', `${JSON.stringify(actionsSchema(), undefined, 2)}\n`)
  for (const [name, page] of Object.entries(manPages(await manSources()))) writeFileSync(`docs/man/${name}`, page)
}
