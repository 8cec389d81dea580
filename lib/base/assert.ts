/** Our own fault: the caller logs the stack, the peer gets E_INTERNAL. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Ends a switch over a union: a new kind breaks the build, and a kind from nowhere throws. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`)
}
