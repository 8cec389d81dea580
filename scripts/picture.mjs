// Draws docs/session.svg: what a terminal shows of a real session, with a daemon and a worker in a temporary directory.
// The colours are those of a terminal; script(1) of util-linux is one.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const COLUMNS = 100
const CHARACTER = { width: 8.4, height: 20 }
const MARGIN = 16
/** By the number of the colour in an escape sequence. */
const COLOURS = { 31: '#f47067', 32: '#57ab5a', 33: '#c69026', 34: '#6cb6ff', 90: '#8b949e' }
const COMMANDS = [
  'jankins add-action compile --labels linux --timeout 20m --artifact program -- make program',
  'jankins run compile --with . -p CFLAGS=-O2',
  'jankins fetch 1 --list',
  'jankins run compile --with . -p CC=clang',
  'jankins query',
  'jankins workers',
]

const directory = mkdtempSync(join(tmpdir(), 'jankins-picture-'))
const bin = resolve('dist/bin')
const project = join(directory, 'project')
const passwordFile = join(directory, 'data/admin-password')
const children = []
try {
  mkdirSync(project)
  writeFileSync(join(project, 'program.c'), '#include <stdio.h>\nint main(void) { puts("1.0"); return 0; }\n')
  const daemon = start('jankinsd.js', ['--port', '0', '--data', join(directory, 'data')], {})
  const [ready] = await once(createInterface({ input: daemon.stdout }), 'line')
  const JANKINS_SERVER = ready.split(' ').at(-1)
  const admin = { JANKINS_SERVER, JANKINS_USER: 'admin', JANKINS_PASSWORD_FILE: passwordFile }
  const alice = join(directory, 'alice')
  const box = join(directory, 'box-1')
  for (const [file, role] of [
    [alice, 'admin'],
    [box, 'worker'],
  ]) {
    const name = file.slice(directory.length + 1)
    writeFileSync(file, jankins(['users', 'add', name, '--role', role, '--generate'], admin), { mode: 0o600 })
  }
  const boxLogin = { JANKINS_SERVER, JANKINS_USER: 'box-1', JANKINS_PASSWORD_FILE: box }
  start('jankins.js', ['work', '--name', 'box-1', '--labels', 'linux', '--dir', join(directory, 'state')], boxLogin)
  const aliceLogin = { JANKINS_SERVER, JANKINS_USER: 'alice', JANKINS_PASSWORD_FILE: alice }
  const lines = COMMANDS.flatMap(command => [`\x1b[1m$ ${command}\x1b[0m`, ...shown(command, aliceLogin)])
  writeFileSync('docs/session.svg', draw(lines))
} finally {
  for (const child of children.reverse()) {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  }
  rmSync(directory, { recursive: true, force: true })
}

function start(program, args, environment) {
  const env = { ...process.env, ...environment }
  const child = spawn(process.execPath, [join(bin, program), ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  children.push(child)
  return child
}

function jankins(args, environment) {
  const env = { ...process.env, ...environment }
  return execFileSync(process.execPath, [join(bin, 'jankins.js'), ...args], { env })
}

/** The lines of a command on a terminal. A status that is not 0 is told, as prompts do. */
function shown(command, environment) {
  const call = command.replace(/^jankins/, `'${process.execPath}' '${join(bin, 'jankins.js')}'`)
  const inside = `stty cols ${COLUMNS}; ${call}; status=$?; [ $status = 0 ] || echo "(exit status $status)"`
  const env = { ...process.env, TERM: 'xterm', NO_COLOR: '', ...environment }
  const text = execFileSync('script', ['-qec', inside, '/dev/null'], { env, cwd: project, encoding: 'utf8' })
  return text
    .trimEnd()
    .split(/\r*\n/)
    .map(line => line.slice(line.lastIndexOf('\r') + 1)) // what was drawn over, as progress is
}

function draw(lines) {
  const width = Math.ceil(COLUMNS * CHARACTER.width + 2 * MARGIN)
  const height = lines.length * CHARACTER.height + 2 * MARGIN
  const rows = lines.map((line, i) => {
    const y = MARGIN + (i + 0.75) * CHARACTER.height
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve">${coloured(line)}</text>`
  })
  const version = JSON.parse(readFileSync('package.json', 'utf8')).version
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>A session with jankins ${version}</title>
<rect width="100%" height="100%" rx="8" fill="#1c2128"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="#cdd9e5">
${rows.join('\n')}
</g>
</svg>
`
}

/** What stands between escape sequences, each in the colour of the sequence before it. */
function coloured(line) {
  const [plain, ...sequences] = line.split('\x1b')
  const parts = sequences.map(sequence => {
    const [, codes, text] = /^\[([\d;]*)m(.*)$/.exec(sequence) ?? ['', '', sequence.replace(/^\[[\d;]*[A-Za-z]/, '')]
    const style = styleOf(codes.split(';'))
    return style === '' ? escaped(text) : `<tspan ${style}>${escaped(text)}</tspan>`
  })
  return escaped(plain) + parts.join('')
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function styleOf(codes) {
  const colour = codes.map(code => COLOURS[code]).find(Boolean)
  if (colour) return `fill="${colour}"`
  return codes.includes('1') ? 'font-weight="bold"' : ''
}
