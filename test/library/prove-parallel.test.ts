import test from 'ava'
import { generateProofsOptimizedParallel } from '../../src/index.js'
import { verify } from '../../src/proof/index.js'
import { honestSession, kernel, register, seeded } from '../proof/fixture.js'

const { adapter, manifest } = register('parallel')
const tasks = ['one', 'two', 'three', 'four', 'five'].map((seed, i) =>
  honestSession(adapter, seed, { groups: [0, 1, ...new Array<number>(i).fill(0)] })
)

for (const threads of [0, 2]) {
  test(`sessions are proved in order, each for itself, on ${threads} threads`, async t => {
    const told: number[] = []
    const proofs = await generateProofsOptimizedParallel(tasks, { threads, onProgress: done => told.push(done) })
    t.deepEqual(told, [1, 2, 3, 4, 5])
    const rows = proofs.map(({ bundle }) => verify({ kernel, manifest, bundle, random: seeded('verify') }).end)
    t.deepEqual(rows, [2, 3, 4, 5, 6])
  })
}

test('proofs that are cancelled, or that nobody could make, end with the reason', async t => {
  const reason = new Error('enough')
  await t.throwsAsync(generateProofsOptimizedParallel(tasks, { threads: 0, signal: AbortSignal.abort(reason) }), { is: reason })
  const controller = new AbortController()
  const cancelled = generateProofsOptimizedParallel(tasks, {
    threads: 1,
    signal: controller.signal,
    onProgress: () => controller.abort(reason)
  })
  await t.throwsAsync(cancelled, { is: reason })
  const broken = { ...tasks[0]!, rows: [] }
  await t.throwsAsync(generateProofsOptimizedParallel([broken], { threads: 1 }))
})
