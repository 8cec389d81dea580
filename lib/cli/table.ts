import { printable } from './text.js'
import { cutTo, padTo, widthOf } from './width.js'

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** So that pages which are printed one by one stand under each other. */
  readonly widthMin?: number
  /** Down to this its cells are cut where the terminal is too narrow; without it they are whole, or not cut first. */
  readonly shrinkTo?: number
  /** Shown with --wide, or when it is named. */
  readonly isExtra?: boolean
  text(row: Row): string
  /** What --wide shows in its place. */
  exact?(row: Row): string
  colour?(row: Row): Colour | undefined
}

/** The columns of one kind of table, by the names that --columns takes, in the order in which they stand. */
export type Columns<Row, Key extends string = string> = Readonly<Record<Key, Column<Row>>>

export type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'grey'

export interface Style {
  /** Columns of the terminal; cells are cut so that a row is one line. Infinity elsewhere. */
  readonly width: number
  readonly isColoured: boolean
  /** Every column, nothing cut, times in full. */
  readonly isWide?: boolean
  /** Keys of the columns that are wanted, in this order. */
  readonly columns?: readonly string[] | undefined
}

const GAP = '  '
const SGR: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, blue: 34, grey: 90 }
/** A last cell keeps so much, however narrow the terminal is. */
const LAST_WIDTH_MIN = 8

/** Rows under their titles, aligned, each line with its newline. Without `withTitles` for the pages that follow. Pure. */
export function renderTable<Row>(all: Columns<Row>, rows: readonly Row[], style: Style, withTitles = true): string {
  const columns = chosen(all, style)
  const textOf = (column: Column<Row>, row: Row): string =>
    printable((style.isWide ? column.exact?.(row) : undefined) ?? column.text(row))
  const cells = rows.map(row => columns.map(column => textOf(column, row)))
  const widths = fitted(
    columns,
    columns.map((column, index) =>
      Math.max(column.widthMin ?? 0, widthOf(column.title), ...cells.map(row => widthOf(row[index] as string))),
    ),
    style,
  )
  const titles = columns.map(column => column.title)
  const lines = cells.map((row, at) => line(columns, widths, row, style, column => column.colour?.(rows[at] as Row)))
  return [...(withTitles ? [line(columns, widths, titles, style, () => 'grey')] : []), ...lines].join('')
}

/** Names and values under each other; values that are missing are left out. Pure. */
export function renderFacts(facts: readonly (readonly [string, string | undefined])[]): string {
  const given = facts.filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...given.map(([name]) => name.length))
  return given.map(([name, value]) => `${name.padEnd(width)}${GAP}${printable(value ?? '')}\n`).join('')
}

/** A text in a colour, where colours are wanted. */
export const paint = (text: string, colour: Colour | undefined, { isColoured }: Style): string =>
  isColoured && colour !== undefined ? `\u001b[${SGR[colour]}m${text}\u001b[39m` : text

function chosen<Row>(all: Columns<Row>, { columns, isWide }: Style): readonly Column<Row>[] {
  if (columns) return columns.map(key => all[key]).filter(column => column !== undefined)
  return Object.values(all).filter(column => isWide || !column.isExtra)
}

/** Takes from the widest cells that may be cut, one column at a time, until a row fits into the terminal. */
function fitted<Row>(columns: readonly Column<Row>[], wanted: readonly number[], style: Style): readonly number[] {
  if (style.isWide) return wanted
  const widths = wanted.map(width => Math.min(width, style.width))
  const last = columns.length - 1
  const floorOf = (index: number): number =>
    columns[index]?.shrinkTo ?? (index === last ? LAST_WIDTH_MIN : Number.POSITIVE_INFINITY)
  let over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - style.width
  for (; over > 0; over--) {
    const candidates = widths.map((width, index) => (width > floorOf(index) ? width : 0))
    const widest = Math.max(...candidates)
    if (widest === 0) break
    const index = candidates.indexOf(widest)
    widths[index] = widest - 1
  }
  return widths
}

function line<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  cells: readonly string[],
  style: Style,
  colourOf: (column: Column<Row>) => Colour | undefined,
): string {
  const shown = columns.map((column, index) => {
    const cell = cutTo(cells[index] as string, widths[index] as number)
    const isLast = index === columns.length - 1
    const padded = isLast && column.align !== 'right' ? cell : padTo(cell, widths[index] as number, column.align)
    return paint(padded, colourOf(column), style)
  })
  return `${shown.join(GAP).trimEnd()}\n`
}
