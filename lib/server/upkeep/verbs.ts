/** What jankinsd does beside running; the rest of this folder is loaded only then. */
const UPKEEP_VERBS = ['check', 'backup', 'restore'] as const
export type UpkeepVerb = (typeof UPKEEP_VERBS)[number]
export const isUpkeepVerb = (word: string): word is UpkeepVerb => (UPKEEP_VERBS as readonly string[]).includes(word)
