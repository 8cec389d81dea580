// Makes the man pages of what --help says: jankins(1) of the table of commands, jankinsd(8) of its usage, and
// jankins.conf(5) of the annotated file. In the macros of man(7).

const ENVIRONMENT = [
  ['JANKINS_SERVER', 'HOST:PORT of the daemon; 127.0.0.1:5265 by default.'],
  ['JANKINS_USER', 'The account; by default that of the last login at this daemon.'],
  ['JANKINS_PASSWORD, JANKINS_PASSWORD_FILE', 'Its password, or the file that holds it, in place of a login.'],
  ['JANKINS_PROFILE', 'The name of the login to use.'],
  [
    'JANKINS_FINGERPRINT, JANKINS_CA',
    'How the daemon is known: the fingerprint of its certificate, or a file with authorities.',
  ],
  ['JANKINS_PLAINTEXT', 'With 1 the daemon is talked to without TLS, also beyond this machine.'],
  ['JANKINS_CERT, JANKINS_KEY', 'Files with the own certificate and its key, in place of a password.'],
  ['JANKINS_CONFIG', 'The configuration file of "jankins work".'],
  ['JANKINS_DEBUG', 'With 1 an error shows where it comes from.'],
  ['NO_COLOR', 'No colour, also on a terminal.'],
]
const FILES = [
  ['~/.config/jankins/credentials.json', 'What "jankins login" keeps. $XDG_CONFIG_HOME moves it.'],
  ['~/.config/jankins/servers.json', 'How daemons are known, beside it.'],
  ['~/.local/state/jankins/NAME', 'State of the worker NAME. $XDG_STATE_HOME moves it.'],
]
const EXIT_STATUS = [
  ['0', 'done'],
  ['1', 'failed'],
  ['2', 'wrong use'],
  ['3', 'could not connect or log in'],
  ['5', '"jankins work --once": there was no job'],
  ['130, 143', '"jankins work --once": SIGINT or SIGTERM came; a job that ran has ended'],
  [
    'as the job',
    'with --wait and --follow, and of "run"; 124 for TIMEOUT, 130 for CANCELLED, 141 when nobody reads the output any more',
  ],
]
const DAEMON_EXIT_STATUS = [
  ['0', 'stopped by SIGTERM or SIGINT, or done'],
  ['1', 'the machine does not let it; "check" found a problem'],
  ['2', 'wrong use or a wrong configuration'],
]

/**
 * The pages by file name.
 * @param sources COMMANDS and the options `daemon` of lib/cli, USAGE of jankinsd, `conf`: the text of jankins.conf, and
 * the version
 */
export function manPages({ COMMANDS, daemon, USAGE, conf, version }) {
  const title = (name, number, book) => `.TH ${name} ${number} "" "jankins ${version}" "${book}"`
  return {
    'jankins.1': lines([title('JANKINS', 1, 'User Commands'), jankins(COMMANDS, daemon)]),
    'jankinsd.8': lines([title('JANKINSD', 8, 'System Administration'), jankinsd(USAGE)]),
    'jankins.conf.5': lines([title('JANKINS.CONF', 5, 'File Formats'), jankinsConf(conf)]),
  }
}

function jankins(commands, daemon) {
  return [
    head('jankins', 'queue jobs, run them, and see what became of them'),
    section('Synopsis', '.B jankins', '.I COMMAND', '[\\fIOPTIONS\\fR]'),
    section(
      'Description',
      text('It asks the daemon of a job and CI server, jankinsd(8), and as "jankins work" runs jobs on this machine.'),
    ),
    section('Commands', ...Object.entries(commands).map(([name, spec]) => command(name, spec, daemon))),
    section('Common options', text('Most commands take these too:'), options(daemon)),
    section('Environment', facts(ENVIRONMENT)),
    section('Files', facts(FILES)),
    section('Exit status', facts(EXIT_STATUS)),
    section('See also', text('jankinsd(8), jankins.conf(5)')),
  ]
}

function command(name, { summary, positionals = {}, options: all, rest }, daemon) {
  const own = Object.fromEntries(Object.entries(all).filter(([key, spec]) => daemon[key] !== spec))
  const places = Object.entries(positionals).map(([key, spec]) => place(key, spec))
  const words = [...places, ...(rest ? [`-- ${rest.value}`] : [])].join(' ')
  return [
    `.SS "${escaped(`jankins ${name} ${words}`.trimEnd())}"`,
    text(`${summary[0].toUpperCase()}${summary.slice(1)}.`),
    facts(Object.entries(positionals).map(([key, spec]) => [key.toUpperCase(), spec.describe])),
    rest ? facts([[rest.value, rest.describe]]) : [],
    options(own),
  ]
}

function place(key, { kind, required }) {
  const word = `${key.toUpperCase()}${/s$/.test(kind) ? '...' : ''}`
  return required ? word : `[${word}]`
}

function options(specs) {
  return facts(
    Object.entries(specs).map(([key, { short, value, values, describe, byDefault }]) => {
      const form = [short ? `-${short}, --${key}` : `--${key}`, value ?? values?.join('|')].filter(Boolean).join(' ')
      return [form, `${describe}${byDefault === undefined ? '' : ` (default: ${byDefault})`}`]
    }),
  )
}

/**
 * The first lines of the usage are ways to call it, the others its options: a form, two blanks or more, a meaning, which
 * may go on below itself.
 */
function jankinsd(usage) {
  const [calls, flags] = usage
    .trimEnd()
    .replace(/\n {16,}/g, ' ')
    .split('\n\n')
  const columns = line => line.trim().split(/ {2,}/)
  const verbs = calls.split('\n').map(line => columns(line.replace(/^Usage:/, '')))
  return [
    head('jankinsd', 'the daemon of jankins, a job and CI server'),
    section('Synopsis', ...verbs.flatMap(([form], i) => [...(i === 0 ? [] : ['.br']), escaped(form)])),
    section(
      'Description',
      text('It keeps actions, jobs, logs and artifacts in one directory, and gives jobs to workers, which pull them.'),
      text('Without a verb it serves until SIGTERM or SIGINT. Jobs go on meanwhile and are taken up again.'),
      '.PP',
      text('The first start writes the password of the account admin to admin-password in that directory.'),
      facts(verbs.filter(([, meaning]) => meaning !== undefined)),
    ),
    section('Options', facts(flags.split('\n').map(columns))),
    section('Environment', facts([['JANKINS_CONFIG', 'The configuration file, when --config does not name one.']])),
    section('Exit status', facts(DAEMON_EXIT_STATUS)),
    section('See also', text('jankins(1), jankins.conf(5)')),
  ]
}

/** Paragraphs of the file become: `---- title ----` a section, `[table]` a part of it, `key = default` an entry. */
function jankinsConf(conf) {
  const [[, ...first], ...paragraphs] = conf
    .trimEnd()
    .split(/\n#?\n/)
    .map(paragraph)
  return [
    head('jankins.conf', 'configuration of jankinsd and of jankins work'),
    section('Description', text(first.join(' '))),
    paragraphs.map(rows => {
      const [, title] = /^---- (.*) ----$/.exec(rows[0]) ?? []
      if (title !== undefined) return section(title)
      const isKey = row => /^\w+ = /.test(row)
      const said = rows.filter(row => !isKey(row) && !/^\[+[\w.]+\]+$/.test(row)).join(' ')
      const keys = rows.filter(isKey)
      const tables = rows.filter(row => /^\[+[\w.]+\]+$/.test(row)).map(row => `.SS "${escaped(row)}"`)
      return [...tables, ...(keys.length > 0 ? facts([[keys.join(', '), said]]) : said ? ['.PP', text(said)] : [])]
    }),
    section('See also', text('jankinsd(8), jankins(1)')),
  ]
}

const paragraph = rows => rows.split('\n').map(row => row.replace(/^# ?/, ''))

const head = (name, what) => section('Name', `${escaped(name)} \\- ${escaped(what)}`)
const section = (title, ...body) => [`.SH "${escaped(title).toUpperCase()}"`, ...body]
const facts = rows => rows.flatMap(([term, meaning]) => ['.TP', `.B ${escaped(term)}`, text(meaning)])
const lines = tree => `${tree.flat(9).join('\n')}\n`

/** Words that the formatter fills into lines; what begins with a point or an apostrophe would be a request to it. */
const text = words => escaped(words).replace(/^([.'])/, '\\&$1')
const escaped = words =>
  words.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq').replaceAll('’', '\\(cq')
