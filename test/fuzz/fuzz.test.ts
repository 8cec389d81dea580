import t from 'tap'
import { campaign, replay, watchEscapes } from './campaign.js'

/** `npm run fuzz` sets these. */
const SECONDS = Number(process.env.JANKINS_FUZZ_SECONDS ?? 60)
const SEED = Number(process.env.JANKINS_FUZZ_SEED ?? 1)
const { JANKINS_FUZZ_TARGET: target, JANKINS_FUZZ_INPUT: input } = process.env

// Methods and errors that only chance has tried count as tried by no test.
delete process.env.JANKINS_EXERCISED

t.setTimeout((SECONDS + 120) * 1_000)
t.teardown(watchEscapes())

if (target !== undefined && input !== undefined)
  t.test('the input of an earlier run is answered or refused', t => replay(t, target, input))
else
  t.test('whatever a stranger sends is answered or refused, and nothing escapes', async t => {
    t.comment(`seed ${SEED}, ${SECONDS} s`)
    await campaign(t, { seed: SEED, seconds: SECONDS })
  })
