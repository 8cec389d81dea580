/** An archive that is refused, or one that cannot be made: the message says which entry and why. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}
