import type { Options } from './options.js'
import type { Scope } from './scope.js'

export interface Figure {
  readonly value: number
  readonly unit: string
  /** What a change for the better is; figures that only explain others have none and are not compared. */
  readonly better?: 'more' | 'less'
}

/** By name; the first one is what the bench is about, and what ratios are made of. */
export type Figures = Readonly<Record<string, Figure>>

/** jankins itself, or a peer that does the same. */
export interface Subject {
  readonly name: string
  readonly isInstalled: () => boolean
  /** One round in fresh processes, all of which end with the scope. */
  measure(scope: Scope, options: Options): Promise<Figures>
}

export interface Bench {
  readonly name: string
  /** What is measured, in words for a person. */
  readonly doc: string
  /** What the project wants to reach, in words. */
  readonly target: string
  readonly subjects: readonly Subject[]
}

export const jankins = (measure: Subject['measure'], name = 'jankins'): Subject => ({
  name,
  isInstalled: () => true,
  measure,
})
