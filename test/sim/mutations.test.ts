import t from 'tap'
import { MUTATIONS } from './mutations.js'
import { openSeeds } from './seeds.js'

/** A fault that is put in must be found within so many. */
const SEEDS_MAX = 1_000
const seeds = openSeeds(t)

for (const [name, broken] of Object.entries(MUTATIONS))
  t.test(`jankins ${name} breaks a promise, and is found`, async t => {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      const { violations } = await seeds.run(seed, { broken })
      if (violations.length === 0) continue
      t.comment(`seed ${seed}: ${violations[0]}`)
      return
    }
    t.fail(`not found within ${SEEDS_MAX} seeds`)
  })
