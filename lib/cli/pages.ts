import type { Context } from './command.js'
import { isColoured, printJson } from './print.js'
import type { Style } from './table.js'

export interface Page<Row, After> {
  readonly rows: readonly Row[]
  /** Where the next page begins; missing after the last one. */
  readonly next?: After | undefined
}

export const styleOf = (context: Context): Style => ({ width: context.stdout.columns, isColoured: isColoured(context) })

/** Prints each page as it comes: never more than one of them is in memory. */
export async function printPages<Row extends object, After>(
  context: Context,
  json: boolean,
  read: (after: After | undefined) => Promise<Page<Row, After>>,
  render: (rows: readonly Row[], style: Style, isFirst: boolean) => string,
): Promise<void> {
  let isFirst = true
  let after: After | undefined
  do {
    const page = await read(after)
    if (json) for (const row of page.rows) await printJson(context.stdout, row)
    else if (isFirst || page.rows.length > 0) await context.stdout.write(render(page.rows, styleOf(context), isFirst))
    isFirst = false
    after = page.next
  } while (after !== undefined)
}
