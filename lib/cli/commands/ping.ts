import { JANKINS_VERSION, PROTOCOL_VERSION } from '../../../protocol/version.js'
import { formatAddress } from '../../client/address.js'
import { type Client, connect } from '../../client/connection.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { findAccess, findPlace } from '../login.js'
import { printJson } from '../print.js'
import { renderFacts } from '../table.js'
import { formatOffset } from '../text.js'

const COUNT_DEFAULT = 3

export async function run(args: ArgsOf<'ping'>, context: Context): Promise<number> {
  const { env, dial, clock, stdout } = context
  const place = await findPlace(env, args)
  const access = await findAccess(env, place, { user: args.user })
  const startedAtMs = clock.monotonicMs()
  const client = await connect({ dial, clock, ...access })
  try {
    const connectMs = clock.monotonicMs() - startedAtMs
    const answers = []
    for (let n = 0; n < (args.count ?? COUNT_DEFAULT); n++) answers.push(await roundTrip(client, context))
    // The quickest round trip leaves the least room for an error in the offset.
    const best = answers.reduce((a, b) => (b.tripMs < a.tripMs ? b : a))
    const facts = { server: formatAddress(place.address), connectMs, ...best, protocol: PROTOCOL_VERSION }
    if (args.json) await printJson(stdout, { ...facts, clientVersion: JANKINS_VERSION })
    else
      await stdout.write(
        renderFacts([
          ['server', facts.server],
          ['login', `${connectMs.toFixed(1)} ms`],
          ['round trip', `${best.tripMs.toFixed(1)} ms, the quickest of ${answers.length}`],
          ['versions', `daemon ${best.version}, this command ${JANKINS_VERSION}, protocol ${PROTOCOL_VERSION}`],
          ['clock', `of the daemon, beside this one: ${formatOffset(best.clockOffsetMs)}`],
        ]),
      )
    return EXIT.done
  } finally {
    client.destroy()
  }
}

async function roundTrip(client: Client, { clock }: Context) {
  const sentAtMs = clock.monotonicMs()
  const { version, nowMs } = await client.call('server.status', {})
  const tripMs = clock.monotonicMs() - sentAtMs
  return { tripMs, version, clockOffsetMs: Math.round(nowMs - (clock.nowMs() - tripMs / 2)) }
}
