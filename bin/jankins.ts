#!/usr/bin/env node
import { loadCompiled } from '../lib/base/load-compiled.js'

// The whole command, as the build has bundled and compiled it beside this file.
const { main } = loadCompiled(`${__dirname}/command.js`, require) as typeof import('../lib/cli/main.js')
void main().then(status => {
  process.exitCode = status
})
