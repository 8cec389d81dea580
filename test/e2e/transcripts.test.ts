import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dialTcp } from '../../lib/client/tcp.js'
import { startDaemon } from '../helpers/processes.js'
import { replayTranscript } from '../helpers/transcript.js'

const FOLDER = 'protocol/transcripts'
for (const file of readdirSync(FOLDER))
  t.test(`the real daemon says what ${file} says`, async t => {
    const daemon = await startDaemon(t)
    await replayTranscript(readFileSync(join(FOLDER, file), 'utf8'), {
      open: () => dialTcp(daemon.address),
      password: () => daemon.password,
    })
  })
