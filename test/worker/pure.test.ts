import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import t from 'tap'
import { environmentOf, newCookie } from '../../lib/worker/environment.js'
import { isOver, leaseFrom, renewed } from '../../lib/worker/lease.js'
import { headBytesMax, locate, planEnd, type StreamPlan } from '../../lib/worker/log-limit.js'
import { lifted, orderByShare } from '../../lib/worker/server-choice.js'
import type { Grant } from '../../protocol/views.js'

const grant = {
  job: 5,
  attempt: 2,
  action: 'build',
  environment: [
    ['FROM_ACTION', '1'],
    ['JANKINS_JOB', '99'],
    ['FROM_ACTION', '2'],
    ['__proto__', 'odd'],
    ['JANKINS_COOKIE_abcd', 'stolen'],
  ],
} as unknown as Grant

t.test('a job sees its own variables, ours, and nothing of the worker’s secrets', async t => {
  const cookie = newCookie(bytes => 'ab'.repeat(bytes))
  const environment = environmentOf(
    grant,
    cookie,
    { workspace: '/w', artifacts: '/a' },
    {
      PATH: '/bin',
      HOME: '/home/me',
      LC_TIME: 'C',
      JANKINS_PASSWORD: 'secret',
      JANKINS_PASSWORD_FILE: '/secret',
      JANKINS_SERVER: 'box:1',
      XDG_CONFIG_HOME: '/where/credentials/are',
      SSH_AUTH_SOCK: '/agent',
      AWS_SECRET_ACCESS_KEY: 'secret',
      JANKINS_COOKIE_0123abcd: 'outer',
    },
    [
      ['TOKEN', 'of the action'],
      ['FROM_ACTION', '3'],
      ['JANKINS_ATTEMPT', '99'],
    ],
  )
  t.strictSame(
    { ...environment },
    {
      PATH: '/bin',
      HOME: '/home/me',
      LC_TIME: 'C',
      JANKINS_COOKIE_0123abcd: 'outer',
      CI: 'true',
      FROM_ACTION: '3',
      TOKEN: 'of the action',
      ['__proto__']: 'odd',
      JANKINS_JOB: '5',
      JANKINS_ATTEMPT: '2',
      JANKINS_ACTION: 'build',
      JANKINS_WORKSPACE: '/w',
      JANKINS_ARTIFACTS: '/a',
      JANKINS_COOKIE_abababab: 'ab'.repeat(16),
    },
  )
})

t.test('a lease ends leaseMs after the sending of the last beat that was answered, and never moves back', async t => {
  const lease = leaseFrom(3_000, 10_000)
  t.notOk(isOver(lease, 12_999))
  t.ok(isOver(lease, 13_000))
  t.equal(renewed(lease, 10_500).endsAtBootMs, 13_500)
  t.equal(renewed(renewed(lease, 10_500), 10_200).endsAtBootMs, 13_500)
})

t.test('the server with the least time for its weight is asked first', async t => {
  t.strictSame(
    orderByShare([
      { weight: 1, spentMs: 10 },
      { weight: 3, spentMs: 20 },
      { weight: 1, spentMs: 10 },
    ]),
    [1, 0, 2],
  )
  t.equal(lifted({ weight: 2, spentMs: 0 }, { weight: 1, spentMs: 50 }).spentMs, 100)
  t.equal(lifted({ weight: 1, spentMs: 70 }, { weight: 1, spentMs: 50 }).spentMs, 70)
})

t.test('servers share a worker by their weights when all have jobs', async t => {
  const shares = [
    { weight: 1, spentMs: 0 },
    { weight: 3, spentMs: 0 },
  ]
  const runs = [0, 0]
  for (let job = 0; job < 400; job++) {
    const [first] = orderByShare(shares)
    shares[first!]!.spentMs += 100
    runs[first!]!++
  }
  t.strictSame(runs, [100, 300])
})

t.test(
  'a log is shipped whole or as head, mark and tail within its limit, however much was shipped before',
  async t => {
    const file = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, (_, index) => index % 251))
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(
          fc.nat(2_000),
          fc.nat(2_000),
          fc.integer({ min: 1, max: 3_000 }),
          fc.nat(100),
          fc.nat(100),
          fc.constantFrom('cut', 'stop'),
          (outBytes, errBytes, limit, outPart, errPart, onLimit) => {
            const head = headBytesMax(limit, onLimit)
            const stdout = Math.min(outBytes, Math.floor((head * outPart) / 100))
            const stderr = Math.min(errBytes, Math.floor(((head - stdout) * errPart) / 100))
            const plan = planEnd(limit, onLimit, { stdout, stderr }, { stdout: outBytes, stderr: errBytes })
            let bytes = 0
            for (const [stream, size, shipped] of [
              ['stdout', outBytes, stdout],
              ['stderr', errBytes, stderr],
            ] as const) {
              const whole = assemble(plan[stream], file(size))
              if (whole.length !== plan[stream].bytes || plan[stream].bytes < shipped) return false
              if (!whole.subarray(0, shipped).equals(file(size).subarray(0, shipped))) return false
              if (!plan[stream].cut && !whole.equals(file(size))) return false
              bytes += whole.length - (plan[stream].cut?.mark.length ?? 0)
            }
            const isCut = plan.stdout.cut !== undefined || plan.stderr.cut !== undefined
            return isCut === outBytes + errBytes > limit && bytes <= limit
          },
        ),
      ),
    )
  },
)

t.test('a stream that is cut keeps its last bytes', async t => {
  const { stdout, stderr } = planEnd(1_000, 'cut', { stdout: 750, stderr: 0 }, { stdout: 5_000, stderr: 10 })
  t.strictSame(stderr, { bytes: 10 })
  t.equal(stdout.cut?.headBytes, 750)
  t.equal(stdout.cut?.tailOffset, 5_000 - 240)
  t.match(stdout.cut?.mark, `${5_000 - 750 - 240} bytes left out`)
})

function assemble(plan: StreamPlan, file: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let offset = 0; offset < plan.bytes; ) {
    const place = locate(plan, offset, 37)
    const piece = place.kind === 'mark' ? place.data : file.subarray(place.offset, place.offset + place.bytes)
    if (piece.length === 0) break
    pieces.push(piece)
    offset += piece.length
  }
  return Buffer.concat(pieces)
}
