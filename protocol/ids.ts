declare const brand: unique symbol
type Id<Kind extends string, T> = T & { readonly [brand]: Kind }

/** A positive integer below 2^53, increasing, never reused. */
export type JobId = Id<'job', number>
/** 32 hex digits, made fresh by every grant: the fencing token of a worker. */
export type LeaseId = Id<'lease', string>
/** 32 hex digits, chosen by the worker: the same claim asked twice gets the same grant. */
export type ClaimId = Id<'claim', string>
/** 32 hex digits, chosen by a worker process at its start. */
export type InstanceId = Id<'instance', string>
/** A positive integer, increasing, never reused. */
export type InviteId = Id<'invite', number>
/** 32 hex digits that nobody can guess: who has them may make one account. */
export type InviteToken = Id<'invite token', string>
/** SHA-256 of a file's bytes as 64 lower-case hex digits. */
export type Sha256 = Id<'sha256', string>
/** 1 to 64 of letters, digits, `_`, `-`, `.`, `+`, `@`; begins with a letter or digit. */
export type Name = Id<'name', string>

const HEX_32 = /^[0-9a-f]{32}$/
const HEX_64 = /^[0-9a-f]{64}$/
/** What a Name is, for messages. */
export const NAME_FORM = '1 to 64 letters, digits or _ - . + @, beginning with a letter or digit'
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.+@-]{0,63}$/

/** Parse, do not cast: the only doors from plain values to ids. Each returns undefined for what is no such id. */
export const parseJobId = (n: number): JobId | undefined =>
  Number.isSafeInteger(n) && n > 0 ? (n as JobId) : undefined
export const parseLeaseId = (s: string): LeaseId | undefined => (HEX_32.test(s) ? (s as LeaseId) : undefined)
export const parseClaimId = (s: string): ClaimId | undefined => (HEX_32.test(s) ? (s as ClaimId) : undefined)
export const parseInstanceId = (s: string): InstanceId | undefined => (HEX_32.test(s) ? (s as InstanceId) : undefined)
export const parseInviteId = (n: number): InviteId | undefined =>
  Number.isSafeInteger(n) && n > 0 ? (n as InviteId) : undefined
export const parseInviteToken = (s: string): InviteToken | undefined =>
  HEX_32.test(s) ? (s as InviteToken) : undefined
export const parseSha256 = (s: string): Sha256 | undefined => (HEX_64.test(s) ? (s as Sha256) : undefined)
export const parseName = (s: string): Name | undefined => (NAME.test(s) ? (s as Name) : undefined)
