/** How many connections there are of each address, or of each user. */
export class Tally {
  readonly #counts = new Map<string, number>()
  #total = 0

  get total(): number {
    return this.#total
  }
  of(key: string): number {
    return this.#counts.get(key) ?? 0
  }
  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1)
    this.#total++
  }
  remove(key: string): void {
    const left = this.of(key) - 1
    this.#total--
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
