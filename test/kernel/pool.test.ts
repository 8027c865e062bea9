import test, { type ExecutionContext } from 'ava'
import {
  InvalidInputError,
  InvalidProofError,
  isPeerError,
  LimitExceededError,
  MalformedMessageError,
  ProtocolViolationError,
  UnsupportedError
} from '../../src/errors.js'
import { defaultThreads, poolContext, PoolFullError, WorkerLostError, WorkerPool, type PoolInit } from '../../src/kernel/index.js'
import { nodeWorker, threadsOfMachine } from '../../src/roles/threads.js'

const MODULE = new URL('./workers/jobs.js', import.meta.url)

function pool(t: ExecutionContext, init: Partial<PoolInit> = {}): WorkerPool {
  const made = new WorkerPool({ module: MODULE, worker: nodeWorker, threads: 1, ...init })
  t.teardown(() => made.stop())
  return made
}

/** A job that occupies a thread until it is released. */
function hold(workers: WorkerPool): { done: Promise<string>; release: () => void } {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const done = workers.run<string>({ name: 'hold', input: flag })
  const release = (): void => {
    Atomics.store(flag, 0, 1)
    Atomics.notify(flag, 0)
  }
  return { done, release }
}

test('jobs give back what they compute; buffers move when they are to', async t => {
  const workers = pool(t, { threads: 2 })
  const values = Float64Array.of(1, 2)
  const kept = Float64Array.of(3)
  const results = await Promise.all([
    workers.run({ name: 'double', input: values, transfer: [values.buffer as ArrayBuffer] }),
    workers.run({ name: 'double', input: kept })
  ])
  t.deepEqual(results, [Float64Array.of(2, 4), Float64Array.of(6)])
  t.is(values.length, 0)
  t.is(kept.length, 1)
})

test('a context is sent to a worker once, and opened again after it was closed', async t => {
  const workers = pool(t)
  const [two, three] = [poolContext('factor', 2), poolContext('factor', 3)]
  const times = (context: typeof two) => workers.run({ name: 'times', input: 5, context })
  t.deepEqual(await times(two), [10, 1])
  t.deepEqual(await times(two), [10, 1])
  t.deepEqual(await times(three), [15, 2])
  workers.close(two)
  t.deepEqual(await times(three), [15, 2])
  t.deepEqual(await times(two), [10, 3])
})

test('what a job throws comes back as what it was', async t => {
  const workers = pool(t)
  const fail = (kind: string) => workers.run({ name: 'fail', input: kind })
  const proof = await t.throwsAsync<InvalidProofError>(fail('proof'), { instanceOf: InvalidProofError })
  t.is(proof.step, 'opening')
  t.is(proof.message, 'opening: does not open')
  const limit = await t.throwsAsync<LimitExceededError>(fail('limit'), {
    instanceOf: LimitExceededError,
    message: /points is 3, at most 2/
  })
  t.is(limit.limit, 'points')
  await t.throwsAsync(fail('malformed'), { instanceOf: MalformedMessageError, message: 'point 1 is wrong' })
  await t.throwsAsync(fail('violation'), { instanceOf: ProtocolViolationError, message: 'not now' })
  await t.throwsAsync(fail('input'), { instanceOf: InvalidInputError, message: 'no such file' })
  await t.throwsAsync(fail('unsupported'), { instanceOf: UnsupportedError, message: 'version 2' })
  await t.throwsAsync(fail('range'), { instanceOf: RangeError })
  await t.throwsAsync(fail('other'), { name: 'TypeError', message: 'no function' })
  await t.throwsAsync(workers.run({ name: 'failPlainly', input: 0 }), { message: 'a word' })
  await t.throwsAsync(workers.run({ name: 'unknown', input: 0 }), { name: 'TypeError' })
})

test('what cannot be sent fails its job, and the thread goes on', async t => {
  const workers = pool(t)
  await t.throwsAsync(workers.run({ name: 'double', input: () => 0 }), { any: true, name: 'DataCloneError' })
  t.deepEqual(await workers.run({ name: 'double', input: Float64Array.of(1) }), Float64Array.of(2))
})

test('a job that waits leaves the queue when it is cancelled, one under way is no longer waited for', async t => {
  const workers = pool(t)
  const held = hold(workers)
  const [waiting, underWay] = [new AbortController(), new AbortController()]
  const dropped = workers.run({ name: 'double', input: Float64Array.of(1), signal: waiting.signal })
  const next = workers.run({ name: 'double', input: Float64Array.of(2), signal: underWay.signal })
  t.is(workers.queued, 2)
  waiting.abort(new Error('not wanted'))
  await t.throwsAsync(dropped, { message: 'not wanted' })
  t.is(workers.queued, 1)
  held.release()
  t.is(await held.done, 'released')
  underWay.abort(new Error('too late'))
  await t.throwsAsync(next, { message: 'too late' })
  // Its thread is free again as soon as the dropped work is done.
  t.deepEqual(await workers.run({ name: 'double', input: Float64Array.of(3) }), Float64Array.of(6))
  await t.throwsAsync(workers.run({ name: 'double', input: 0, signal: AbortSignal.abort() }), { any: true, name: 'AbortError' })
})

test('only so many jobs wait, and who waits for room gets it', async t => {
  const workers = pool(t, { queue: 1 })
  await workers.room()
  const held = hold(workers)
  const second = workers.run({ name: 'double', input: Float64Array.of(1) })
  await t.throwsAsync(workers.run({ name: 'double', input: 0 }), { instanceOf: PoolFullError, message: /^1 jobs wait/ })
  const aborted = new AbortController()
  const noRoom = workers.room(aborted.signal)
  aborted.abort(new Error('enough'))
  await t.throwsAsync(noRoom, { message: 'enough' })
  const room = workers.room(new AbortController().signal)
  t.is(workers.running, 1)
  held.release()
  await room
  await Promise.all([held.done, second])
})

test('a full queue is nobody’s fault: of many that wait for one place each gets it in the end', async t => {
  const workers = pool(t, { queue: 1 })
  const held = hold(workers)
  const all = [1, 2, 3, 4].map(each => workers.runWhenRoom({ name: 'double', input: Float64Array.of(each) }))
  const refused = await t.throwsAsync(workers.run({ name: 'double', input: 0 }))
  t.false(isPeerError(refused))
  held.release()
  t.deepEqual(await Promise.all([held.done, ...all]), ['released', ...[2, 4, 6, 8].map(each => Float64Array.of(each))])
})

test('a crash fails its job alone, is reported, and another worker takes over', async t => {
  const lost: WorkerLostError[] = []
  const workers = pool(t, { onLost: error => lost.push(error) })
  const crash = workers.run({ name: 'crash', input: 0 })
  const after = workers.run({ name: 'double', input: Float64Array.of(1) })
  await t.throwsAsync(crash, { instanceOf: WorkerLostError, message: /"crash"/ })
  t.deepEqual(await after, Float64Array.of(2))
  t.is(lost.length, 1)
})

test('a module that is not there fails the jobs and does not hang', async t => {
  const workers = pool(t, { module: new URL('./workers/none.js', import.meta.url) })
  await t.throwsAsync(workers.run({ name: 'double', input: 0 }), { instanceOf: WorkerLostError })
})

test('stopping fails what waits and what is under way, and everything after', async t => {
  const workers = pool(t, { queue: 1 })
  const held = hold(workers)
  const waiting = workers.run({ name: 'double', input: 0 })
  const room = workers.room()
  await Promise.all([
    workers.stop(),
    room,
    t.throwsAsync(held.done, { message: /stopped/ }),
    t.throwsAsync(waiting, { message: /stopped/ })
  ])
  await t.throwsAsync(workers.run({ name: 'double', input: 0 }), { message: /stopped/ })
})

test('one core is left to inference', t => {
  t.deepEqual([1, 2, 8].map(defaultThreads), [1, 1, 7])
  t.true(threadsOfMachine() >= 1)
})
