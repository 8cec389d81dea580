#!/usr/bin/env node
import { runJankinsd } from '../lib/server/front/command.js'

// What the daemon writes is its own: also files that libraries make.
process.umask(0o077)
void runJankinsd(process.argv.slice(2)).then(status => process.exit(status))
