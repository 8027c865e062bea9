import test from 'ava'
import { Share } from '../../../src/roles/verifying/share.js'
import { TestClock } from './clock.js'

const { signal } = new AbortController()

test('in a window no more is spent than the share of all lanes, but for what was under way', async t => {
  const clock = new TestClock()
  const share = new Share({ share: 0.5, lanes: 2, window: 1000, clock })
  t.deepEqual(share.load, { share: 0.5, used: 0, lanes: 2, busy: 0 })
  share.spend(999)
  t.true(share.isOpen)
  share.spend(1)
  t.false(share.isOpen)
  t.deepEqual(share.load, { share: 0.5, used: 0.5, lanes: 2, busy: 1000 })
  let open = false
  const opened = share.open(signal).then(() => (open = true))
  await clock.pass(999)
  t.false(open)
  await clock.pass(1)
  await opened
  t.true(share.isOpen)
  t.is(share.spent, 1000)
  t.deepEqual(share.load, { share: 0.5, used: 0, lanes: 2, busy: 1000 })
})

test('a node that is always busy comes to its share of the time', async t => {
  const clock = new TestClock()
  const share = new Share({ share: 0.25, lanes: 1, window: 1000, clock })
  const worked = { tasks: 0 }
  const stop = new AbortController()
  const work = (async () => {
    while (true) {
      await share.open(stop.signal)
      worked.tasks++
      await clock.after(10, stop.signal)
      share.spend(10)
    }
  })()
  for (let passed = 0; passed < 20_000; passed += 5) await clock.pass(5)
  t.true(Math.abs(share.spent / 20_000 - 0.25) < 0.02, `${share.spent} of 20000 ms`)
  stop.abort(new Error('enough'))
  await t.throwsAsync(work, { message: 'enough' })
})

test('after a long pause nothing of before counts', async t => {
  const clock = new TestClock()
  const share = new Share({ share: 1, lanes: 1, window: 1000, clock })
  share.spend(5000)
  await clock.pass(1_000_000)
  t.true(share.isOpen)
  share.spend(1000)
  t.false(share.isOpen)
})

test('who waits for the share stops waiting when it is told to', async t => {
  const clock = new TestClock()
  const share = new Share({ share: 0.1, lanes: 1, window: 1000, clock })
  share.spend(500)
  const controller = new AbortController()
  const opened = share.open(controller.signal)
  controller.abort(new Error('the node is stopping'))
  await t.throwsAsync(opened, { message: 'the node is stopping' })
  await t.throwsAsync(share.open(controller.signal), { message: 'the node is stopping' })
})
