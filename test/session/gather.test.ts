import test from 'ava'
import { joined } from '../../src/session/jobs/gather.js'

test('parts that are a whole buffer are not copied; others are', t => {
  const whole = Int16Array.of(1, 2, 3, 4, 5, 6)
  const parts = [whole.subarray(0, 2), whole.subarray(2, 5), whole.subarray(5)]
  const same = joined(parts)
  t.is(same.buffer, whole.buffer)
  t.deepEqual(same, whole)
  for (const other of [parts.slice(1), parts.slice(0, 2), [parts[1]!, parts[0]!, parts[2]!], [...parts, whole.slice(0, 1)]]) {
    const copy = joined(other)
    t.not(copy.buffer, whole.buffer)
    t.deepEqual(
      [...copy],
      other.flatMap(part => [...part])
    )
  }
  t.is(joined([whole]), whole)
})
