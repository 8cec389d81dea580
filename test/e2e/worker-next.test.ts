import t from 'tap'
import type { Writer } from '../../lib/server/writer/writer.js'
import { startBench, until } from '../helpers/worker-bench.js'

t.test('while the end of a job is answered the next one runs, and no more wait so than there are slots', async t => {
  const events: string[] = []
  const answer: (() => void)[] = []
  const slow = (writer: Writer): Writer => ({
    ...writer,
    async claim(...args) {
      events.push('claim')
      return await writer.claim(...args)
    },
    async finish(...args) {
      events.push('finish')
      await new Promise<void>(resolve => answer.push(resolve))
      return await writer.finish(...args)
    },
  })
  const bench = await startBench(t, undefined, { writer: slow })
  const jobs = [await bench.exec({ command: ['true'] }), await bench.exec({ command: ['true'] })]
  const { drain, result } = await bench.work({ slots: 1, mode: { kind: 'loop' } })
  await until('the second job has ended too', () => answer.length === 2)
  t.strictSame(events, ['claim', 'finish', 'claim', 'finish'])
  const { jobs: views } = await bench.admin.call('job.query', { jobs })
  t.strictSame(
    views.map(({ state }) => state),
    ['RUNNING', 'RUNNING'],
  )
  for (let trips = 0; trips < 20; trips++) await bench.admin.call('server.status', {})
  t.equal(events.length, 4, 'its third job is not asked for')
  answer[0]?.()
  await until('it is asked for', () => events.length === 5)
  t.equal(events[4], 'claim')
  answer[1]?.()
  for (const job of jobs) t.match(await bench.ended(job), { state: 'COMPLETE', exitCode: 0 })
  drain()
  await result
})
