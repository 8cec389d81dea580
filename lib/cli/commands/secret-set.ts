import * as f from '../../../protocol/fields.js'
import { METHODS } from '../../../protocol/methods.js'
import { check, obj } from '../../../protocol/schema.js'
import { type Context, UsageError } from '../command.js'
import type { ArgsOf } from '../commands.js'
import { EXIT } from '../failure.js'
import { printJson, printLine } from '../print.js'
import { withDaemon } from '../session.js'

export function run(args: ArgsOf<'secret set'>, context: Context): Promise<number> {
  const { action, name: secret, json } = args
  check(obj({ name: f.secretName }), { name: secret })
  return withDaemon(context, args, async client => {
    // Refused by now what would be refused: nobody is asked for what is of no use, and no value leaves in vain.
    await client.call('secret.list', { action })
    const value = await askValue(context, secret)
    const params = check(METHODS['secret.set'].params, { action, secret, value })
    const { changed } = await client.call('secret.set', params)
    if (json) await printJson(context.stdout, { action, secret, changed })
    else await printLine(context.stdout, `secret ${secret} of ${action} ${changed ? 'is' : 'was'} set`)
    return EXIT.done
  })
}

/** From stdin, without the newline at its end, or asked for on the terminal: never a word of the command line. */
async function askValue({ stdin, ask }: Context, secret: string): Promise<string> {
  if (stdin.isTerminal) return ask(`value of ${secret}`, { echo: false })
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await stdin.read())
    return text.replace(/\r?\n$/, '')
  } catch (cause) {
    throw new UsageError('the value is no text in UTF-8: encode it, as base64 for example', { cause })
  }
}
