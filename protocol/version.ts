/** Raised when an old peer could misread a new one; peers of another major version get E_VERSION. PROTOCOL.md §3. */
export const PROTOCOL_VERSION = 1

/** The release of this program, as package.json has it; shown to people, decides nothing. */
export const JANKINS_VERSION = '0.1.0'
