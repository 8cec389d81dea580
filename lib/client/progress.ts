/** Told after each piece of a transfer. */
export type OnProgress = (doneBytes: number, totalBytes: number) => void
