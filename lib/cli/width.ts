/** How wide text is on a terminal, in columns. Pure. */

const NO_WIDTH = /\p{Mn}|\p{Me}|\p{Cf}/u
/** East Asian wide and fullwidth, and pictures: the blocks of EastAsianWidth.txt where whole blocks are W or F. */
const WIDE: readonly (readonly [from: number, to: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
]

export function widthOf(text: string): number {
  if (isNarrow(text)) return text.length
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/** `text`, or its beginning and `…`, in at most `width` columns. A character is never cut in two. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let cut = ''
  let left = width - 1
  for (const character of text) {
    left -= characterWidth(character)
    if (left < 0) break
    cut += character
  }
  return `${cut}…`
}

export function padTo(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + blanks : blanks + text
}

/** Nearly all text is: nothing has to be looked up then. */
const isNarrow = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

function characterWidth(character: string): number {
  if (NO_WIDTH.test(character)) return 0
  const code = character.codePointAt(0) as number
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}
