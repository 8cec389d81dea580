import t from 'tap'
import type { Writer } from '../../../../lib/server/writer/writer.js'
import { LIMITS } from '../../../../protocol/limits.js'
import { startDaemonInProcess } from '../../../helpers/daemon.js'
import { runJob } from '../running.js'

t.test('a length is told as durable only when a start after a power loss would cut to no less', async t => {
  let note: () => void = () => {}
  const noted = new Promise<void>(resolve => {
    note = resolve
  })
  let asked: () => void = () => {}
  const isAsked = new Promise<void>(resolve => {
    asked = resolve
  })
  const slow = (writer: Writer): Writer => ({
    ...writer,
    async noteDurableLengths(...args) {
      asked()
      await noted
      await writer.noteDurableLengths(...args)
    },
  })
  const daemon = await startDaemonInProcess(t, { writer: slow })
  const { worker, held } = await runJob(daemon)
  const data = Buffer.alloc(LIMITS.chunkBytesMax.value, 'x')
  let offset = 0
  const append = async (): Promise<number> => {
    const { length, durableLength } = await worker.call('job.append', { ...held, part: 'stdout', offset, data })
    offset = length
    return durableLength
  }
  let isSynced: boolean = false
  void isAsked.then(() => {
    isSynced = true
  })
  while (!isSynced) t.equal(await append(), 0, `${offset} bytes`)
  t.equal(await append(), 0, 'synced, and not on record')
  note()
  let durable = 0
  while (durable === 0) durable = await append()
  t.ok(durable <= offset)
})
