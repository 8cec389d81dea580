#!/usr/bin/env node

// What the daemon writes is its own: also files that libraries make.
process.umask(0o077)
void import('../lib/server/front/command.js').then(async ({ runJankinsd }) => {
  process.exit(await runJankinsd(process.argv.slice(2)))
})
