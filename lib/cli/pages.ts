import type { Context } from './command.js'
import { isColoured, printJson, printLine } from './print.js'
import type { Style } from './table.js'

export interface Page<Row, After> {
  readonly rows: readonly Row[]
  /** Where the next page begins; missing after the last one. */
  readonly next?: After | undefined
}

/** How a list is wanted: the options of `listing`, and --json. */
export interface Listing {
  readonly json: boolean
  readonly quiet: boolean
  readonly wide: boolean
  readonly columns?: readonly string[] | undefined
}

export const styleOf = (context: Context, { wide, columns }: Partial<Listing> = {}): Style => ({
  width: context.stdout.columns,
  isColoured: isColoured(context),
  isWide: wide === true,
  columns,
})

/**
 * Prints each page as it comes: never more than one of them is in memory.
 * @param idOf what --quiet shows of a row
 */
export async function printPages<Row extends object, After>(
  context: Context,
  listing: Listing,
  read: (after: After | undefined) => Promise<Page<Row, After>>,
  idOf: (row: Row) => string,
  render: (rows: readonly Row[], style: Style, isFirst: boolean) => string,
): Promise<void> {
  const { stdout } = context
  let isFirst = true
  let after: After | undefined
  do {
    const page = await read(after)
    if (listing.json) for (const row of page.rows) await printJson(stdout, row)
    else if (listing.quiet) for (const row of page.rows) await printLine(stdout, idOf(row))
    else if (isFirst || page.rows.length > 0) await stdout.write(render(page.rows, styleOf(context, listing), isFirst))
    isFirst = false
    after = page.next
  } while (after !== undefined)
}
