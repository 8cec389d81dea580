import { printable } from './text.js'

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** So that pages which are printed one by one stand under each other. */
  readonly widthMin?: number
  text(row: Row): string
  colour?(row: Row): Colour | undefined
}

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'grey'

export interface Style {
  /** Columns of the terminal: the last cell of a row is cut there. */
  readonly width: number
  readonly isColoured: boolean
}

const GAP = '  '
const SGR: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, blue: 34, grey: 90 }

/** Rows under their titles, aligned, each line with its newline. Without `withTitles` for the pages that follow. Pure. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: Style,
  withTitles = true,
): string {
  const cells = rows.map(row => columns.map(column => printable(column.text(row))))
  const widths = columns.map((column, index) =>
    Math.max(column.widthMin ?? 0, column.title.length, ...cells.map(row => row[index]!.length)),
  )
  const lines = cells.map((row, at) => line(columns, widths, row, style, column => column.colour?.(rows[at] as Row)))
  const titles = line(
    columns,
    widths,
    columns.map(column => column.title),
    style,
    () => 'grey',
  )
  return [...(withTitles ? [titles] : []), ...lines].join('')
}

/** Names and values under each other; values that are missing are left out. Pure. */
export function renderFacts(facts: readonly (readonly [string, string | undefined])[]): string {
  const given = facts.filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...given.map(([name]) => name.length))
  return given.map(([name, value]) => `${name.padEnd(width)}${GAP}${printable(value ?? '')}\n`).join('')
}

function line<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  cells: readonly string[],
  style: Style,
  colourOf: (column: Column<Row>) => Colour | undefined,
): string {
  let left = style.width
  const shown = columns.map((column, index) => {
    const isLast = index === columns.length - 1
    const width = widths[index]!
    const cell = isLast ? cut(cells[index]!, left) : cells[index]!
    left -= width + GAP.length
    const padded = column.align === 'right' ? cell.padStart(width) : isLast ? cell : cell.padEnd(width)
    const colour = style.isColoured ? colourOf(column) : undefined
    return colour === undefined ? padded : `\u001b[${SGR[colour]}m${padded}\u001b[39m`
  })
  return `${shown.join(GAP).trimEnd()}\n`
}

const cut = (text: string, width: number): string =>
  text.length <= Math.max(width, 8) ? text : `${text.slice(0, Math.max(width, 8) - 1)}…`
