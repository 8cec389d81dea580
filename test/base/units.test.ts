import t from 'tap'
import { formatDuration, formatSize, parseDuration, parseSize, UnitError } from '../../lib/base/units.js'

t.test('durations are read in ms', async t => {
  const read = ['0s', '500ms', '90s', '5m', '2h', '1d'].map(parseDuration)
  t.strictSame(read, [0, 500, 90_000, 300_000, 7_200_000, 86_400_000])
})

t.test('sizes are read in bytes', async t => {
  t.strictSame(
    ['0', '100', '100B', '64KiB', '8MiB', '1GiB', '2TiB'].map(parseSize),
    [0, 100, 100, 65_536, 8_388_608, 1_073_741_824, 2_199_023_255_552],
  )
})

t.test('what is no duration or size is refused with its text', async t => {
  for (const text of ['', '5', 's', '1.5s', '-1s', '5 m', '5M', '1w', '9999999999999999d', 'constructor', '1toString'])
    t.throws(() => parseDuration(text), UnitError, text)
  for (const text of ['', 'KiB', '1KB', '1kib', '1.5MiB', '-1', '9999999999999999TiB'])
    t.throws(() => parseSize(text), UnitError, text)
  t.throws(() => parseSize('x'.repeat(100)), {
    message: `"${'x'.repeat(64)}" is not a size such as 4096, 64KiB, 8MiB or 1GiB`,
  })
})

t.test('what is written reads back, as short as it can be', async t => {
  t.strictSame([0, 1, 1500, 90_000, 300_000, 86_400_000].map(formatDuration), [
    '0ms',
    '1ms',
    '1500ms',
    '90s',
    '5m',
    '1d',
  ])
  t.strictSame([0, 100, 1024, 1500, 65_536, 1024 ** 3].map(formatSize), ['0', '100', '1KiB', '1500', '64KiB', '1GiB'])
  for (const ms of [0, 999, 1_000, 61_000, 3_600_000, 90_000_000]) t.equal(parseDuration(formatDuration(ms)), ms)
  for (const bytes of [0, 1023, 1024, 5 * 1024 ** 2, 1024 ** 4]) t.equal(parseSize(formatSize(bytes)), bytes)
})
