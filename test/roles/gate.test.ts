import test from 'ava'
import { Gate, Quota } from '../../src/roles/gate.js'

test('a gate lets so many in at a time, in order, also when one fails', async t => {
  const gate = new Gate(2)
  let inside = 0
  let most = 0
  const order: number[] = []
  const task = (n: number) => async (): Promise<void> => {
    most = Math.max(most, ++inside)
    order.push(n)
    await Promise.resolve()
    inside--
    if (n === 1) throw new Error('one fails')
  }
  const runs = [0, 1, 2, 3, 4].map(n => gate.run(task(n)))
  t.is(gate.waiting, 3)
  const results = await Promise.allSettled(runs)
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']
  )
  t.is(most, 2)
  t.deepEqual(order, [0, 1, 2, 3, 4])
  t.is(gate.waiting, 0)
})

test('a quota opens again when its time is over', async t => {
  const quota = new Quota(10, 60)
  const { signal } = new AbortController()
  await quota.open(signal)
  quota.add(10)
  const began = performance.now()
  await quota.open(signal)
  t.true(performance.now() - began >= 59)
})

test('who waits for a quota is let go by its signal', async t => {
  const quota = new Quota(1, 60_000)
  quota.add(1)
  const controller = new AbortController()
  const waiting = quota.open(controller.signal)
  controller.abort(new Error('stopped'))
  await t.throwsAsync(waiting, { message: 'stopped' })
})

test('a quota of nothing never opens by itself', async t => {
  const controller = new AbortController()
  const waiting = new Quota(0, 10).open(controller.signal)
  controller.abort(new Error('stopped'))
  await t.throwsAsync(waiting, { message: 'stopped' })
})
