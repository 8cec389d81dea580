import t from 'tap'
import { Budget } from '../../../lib/server/front/budget.js'
import { startEchoFront, until } from './echo-front.js'

const MIB = 1024 * 1024

t.test('reservations are granted up to half of the budget, then first come, first served', async t => {
  const later: (() => void)[] = []
  const budget = new Budget(100, run => later.push(run))
  const granted: string[] = []
  const a = budget.reserve('a', 30, () => granted.push('a'))
  const b = budget.reserve('b', 30, () => granted.push('b'))
  const c = budget.reserve('c', 10, () => granted.push('c'))
  t.strictSame([a.isGranted, b.isGranted, c.isGranted], [true, false, false], 'c does not overtake b')
  budget.release(a)
  t.strictSame(granted, [], 'nobody is told in the middle of something else')
  for (const run of later.splice(0)) run()
  t.strictSame(granted, ['b', 'c'])
  budget.release(b)
  budget.release(c)
  t.equal(
    budget.reserve('a', 90, () => {}).isGranted,
    true,
    'a frame that is too large for the part has its turn alone',
  )
  t.equal(budget.reserve('b', 1, () => {}).isGranted, false)
})

t.test('who gives up its place in the line lets the next one through', async t => {
  const later: (() => void)[] = []
  const budget = new Budget(100, run => later.push(run))
  const granted: string[] = []
  budget.reserve('a', 40, () => {})
  const b = budget.reserve('b', 40, () => granted.push('b'))
  budget.reserve('c', 10, () => granted.push('c'))
  budget.release(b)
  for (const run of later.splice(0)) run()
  t.strictSame(granted, ['c'])
})

t.test('one holder has a part of the room, and nobody waits for those that wait for themselves', async t => {
  const later: (() => void)[] = []
  const budget = new Budget(800, run => later.push(run))
  const granted: string[] = []
  const reserve = (holder: string, bytes: number) => budget.reserve(holder, bytes, () => granted.push(holder))
  const first = reserve('eve', 60)
  t.equal(first.isGranted, true)
  t.equal(reserve('eve', 40).isGranted, true)
  t.equal(reserve('eve', 1).isGranted, false, 'she has her part')
  t.equal(reserve('eve', 300).isGranted, false)
  const large = reserve('ada', 290)
  t.equal(large.isGranted, true, 'a frame above the part, and ahead of what eve waits for')
  t.equal(reserve('bob', 50).isGranted, false, 'there is no room')
  budget.release(first)
  for (const run of later.splice(0)) run()
  t.strictSame(granted, ['eve', 'bob'])
  budget.release(large)
  for (const run of later.splice(0)) run()
  t.strictSame(granted, ['eve', 'bob'], 'her large one has its turn when she holds nothing else')
})

t.test('who is paused is told once, when there is room', async t => {
  const later: (() => void)[] = []
  const budget = new Budget(100, run => later.push(run))
  budget.count(120)
  t.equal(budget.isOver, true)
  t.equal(budget.isFarOver, false)
  budget.count(6)
  t.equal(budget.isFarOver, true)
  let told = 0
  const forgotten = () => t.fail('was forgotten')
  budget.onRelief(() => told++)
  budget.onRelief(forgotten)
  budget.forget(forgotten)
  budget.count(-20)
  t.equal(later.length, 0, 'still over')
  budget.count(-6)
  for (const run of later.splice(0)) run()
  budget.count(-1)
  for (const run of later.splice(0)) run()
  t.equal(told, 1)
})

t.test(
  'many large frames that only begin take half of the budget, and small ones are answered beside them',
  async t => {
    const { open, front } = await startEchoFront(t, { byteBudgetBytes: 8 * MIB })
    const small = await open()
    small.send('hello')
    await small.next()
    const header = Buffer.alloc(4)
    header.writeUInt32BE(MIB)
    const large = await Promise.all(Array.from({ length: 20 }, open))
    for (const [index, peer] of large.entries()) {
      peer.send(`account-${index}`)
      await peer.next()
      peer.socket.write(header)
      peer.socket.write(Buffer.alloc(MIB / 2))
    }
    await until(() => front.budget.usedBytes > 3 * MIB)
    for (let i = 0; i < 50; i++) {
      small.send(`beat ${i}`)
      t.equal(String(await small.next()), `beat ${i}`)
      if (front.budget.usedBytes > 5 * MIB) t.fail(`${front.budget.usedBytes} bytes`)
    }
    // Those that have room end their frames; that makes room for the others, until all have had their turn.
    for (const peer of large) peer.socket.write(Buffer.alloc(MIB / 2))
    for (const peer of large) t.equal((await peer.next())?.length, MIB)
    await until(() => front.budget.usedBytes === 0)
  },
)

t.test('far over the budget the connection that holds most is closed', async t => {
  const { open, front, logged, threads } = await startEchoFront(t, { byteBudgetBytes: 4 * MIB, threads: 1 })
  const small = await open()
  small.send('hello')
  await small.next()
  const greedy = await open()
  greedy.send('hello')
  await greedy.next()
  greedy.socket.pause()
  const id = threads[0]!.opened[1]!
  threads[0]!.say({ frames: [packed(id, 30 * MIB)] })
  await until(() => front.connectionCount === 1)
  t.match(logged.join('\n'), /closed the connection that held most/)
  small.send('still here')
  t.equal(String(await small.next()), 'still here')
})

function packed(connection: number, bytes: number): ArrayBuffer {
  const frame = Buffer.from(new ArrayBuffer(8 + bytes))
  frame.writeUInt32LE(connection, 0)
  frame.writeUInt32LE(bytes, 4)
  return frame.buffer as ArrayBuffer
}
