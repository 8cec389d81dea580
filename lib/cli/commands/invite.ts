import { randomBytes } from 'node:crypto'
import { parseInviteToken } from '../../../protocol/ids.js'
import { TOKEN_BYTES, tokenHash } from '../../../protocol/invite-token.js'
import { assert } from '../../base/assert.js'
import type { Context } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { given } from '../given.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

/** The token is made here: the daemon sees it when it is used, and keeps its hash. */
export function run(args: ArgsOf<'invite'>, context: Context): Promise<number> {
  const { role, expires: holdsMs, json } = args
  return withDaemon(context, args, async client => {
    const token = parseInviteToken(randomBytes(TOKEN_BYTES).toString('hex'))
    assert(token, 'a token is 32 hex digits')
    const { invite, expiresAtMs } = await client.call(
      'invite.add',
      given({ tokenSha256: tokenHash(token), role: role ?? 'worker', holdsMs }),
    )
    if (json) await printJson(context.stdout, { invite, token, role: role ?? 'worker', expiresAtMs })
    // Alone on its line, so that a script can take it as it is.
    else await printLine(context.stdout, token)
    return EXIT.done
  })
}
