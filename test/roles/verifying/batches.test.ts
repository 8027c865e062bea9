import test from 'ava'
import { InvalidProofError } from '../../../src/errors.js'
import { verifyBatch, type VerifyItem } from '../../../src/proof/index.js'
import { Batches, type BatchChecks } from '../../../src/roles/verifying/batches.js'
import { Share } from '../../../src/roles/verifying/share.js'
import { makeBundle } from '../../network/bundles.js'
import { TestClock } from './clock.js'
import { flip, kernel, seeded } from '../../proof/fixture.js'

const random = seeded('batches')
const { manifest, bundle } = makeBundle('batches', 'one')
const owned = (owner: number, bytes = bundle): VerifyItem => ({
  manifest: { ...manifest, owner: new Uint8Array(32).fill(owner) } as typeof manifest,
  bundle: bytes
})
const honest: VerifyItem = { manifest, bundle }

/** Real verification that waits until it is let go, and the owners of each batch. */
function held(init: Partial<BatchChecks> = {}): BatchChecks & { readonly batches: VerifyItem[][]; readonly go: () => void } {
  const batches: VerifyItem[][] = []
  let go!: () => void
  const gone = new Promise<void>(resolve => (go = resolve))
  const bundles: BatchChecks['bundles'] = async items => {
    batches.push([...items])
    await gone
    return { results: verifyBatch({ kernel, items, random }), elapsed: 10 * items.length }
  }
  return { bundles, atOnce: 1, batchBytes: 1 << 20, batches, go: () => go(), ...init }
}

const { signal } = new AbortController()
const whole = new Share({ share: 1, lanes: 1_000 })

test('what waits is verified together, and each bundle gets its own answer', async t => {
  const checks = held()
  const queue = new Batches(checks, whole, signal)
  const forged = { manifest, bundle: flip(bundle, bundle.length - 40) }
  const first = queue.verify(honest)
  const others = Promise.allSettled([queue.verify(honest), queue.verify(forged), queue.verify(honest)])
  checks.go()
  t.is((await first).elapsed, 10)
  const [valid, invalid, also] = await others
  t.deepEqual(
    checks.batches.map(({ length }) => length),
    [1, 3]
  )
  t.like(valid, { status: 'fulfilled', value: { proof: { end: 5 }, elapsed: 10 } })
  t.true((invalid as PromiseRejectedResult).reason instanceof InvalidProofError)
  t.is(also!.status, 'fulfilled')
})

test('owners take turns, and a full batch ends', async t => {
  const checks = held({ batchBytes: 3 * bundle.length })
  const queue = new Batches(checks, whole, signal)
  const all = Promise.allSettled([9, 1, 1, 1, 1, 2, 3].map(owner => queue.verify(owned(owner))))
  checks.go()
  await all
  const owners = checks.batches.map(batch => batch.map(({ manifest }) => manifest.owner[0]))
  t.deepEqual(owners, [[9], [1, 2, 3], [1, 1, 1]])
})

test('as many batches at a time as are to be', async t => {
  const checks = held({ atOnce: 2, batchBytes: 0 })
  const queue = new Batches(checks, whole, signal)
  const all = Promise.all([1, 1, 1].map(() => queue.verify(honest)))
  t.is(checks.batches.length, 2)
  checks.go()
  t.is((await all).length, 3)
  t.is(checks.batches.length, 3)
})

test('while the share is spent batches wait, and what they took is what is spent', async t => {
  const clock = new TestClock()
  const share = new Share({ share: 0.5, lanes: 1, window: 100, clock })
  const checks = held()
  const queue = new Batches(checks, share, signal)
  checks.go()
  // The second batch takes 10 ms for each of its five: all that may be spent in 100 ms.
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => queue.verify(honest)))
  t.is(share.spent, 60)
  const later = [queue.verify(honest), queue.verify(honest)]
  await clock.pass(99)
  t.is(checks.batches.length, 2)
  await clock.pass(1)
  await Promise.all(later)
  t.deepEqual(
    checks.batches.map(({ length }) => length),
    [1, 5, 2]
  )
})

test('what waits for the share is given up at the end too', async t => {
  const controller = new AbortController()
  const share = new Share({ share: 0.5, lanes: 1, window: 100, clock: new TestClock() })
  share.spend(50)
  const waiting = new Batches(held(), share, controller.signal).verify(honest)
  controller.abort(new Error('the node is stopping'))
  await t.throwsAsync(waiting, { message: 'the node is stopping' })
})

test('what waits is given up at the end; who cannot verify fails its batch alone', async t => {
  const controller = new AbortController()
  let fail = true
  const checks = held()
  const bundles: BatchChecks['bundles'] = async items => {
    if (fail) throw new Error('the thread has ended')
    return checks.bundles(items)
  }
  const queue = new Batches({ ...checks, bundles }, whole, controller.signal)
  await t.throwsAsync(queue.verify(honest), { message: 'the thread has ended' })
  fail = false
  const [underWay, waiting] = [queue.verify(honest), queue.verify(honest)]
  controller.abort(new Error('the node is stopping'))
  await t.throwsAsync(waiting, { message: 'the node is stopping' })
  checks.go()
  t.is((await underWay).proof.end, 5)
  await t.throwsAsync(queue.verify(honest), { message: 'the node is stopping' })
})
