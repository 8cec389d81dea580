#!/usr/bin/env node
import { runJankinsd } from '../lib/server/front/command.js'

// What the daemon writes is its own: also files that libraries make.
process.umask(0o077)
process.exit(await runJankinsd(process.argv.slice(2)))
