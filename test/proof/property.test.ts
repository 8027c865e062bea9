import test from 'ava'
import fc from 'fast-check'
import { merkleRoot, prove, verify } from '../../src/proof/index.js'
import { honestSession, kernel, makeAdapter, register, seeded, type GroupShape } from './fixture.js'

/** Ranks, widths and numbers of modules and groups as adapters have them, but small. */
const shape: fc.Arbitrary<GroupShape> = fc.record({
  dIn: fc.integer({ min: 1, max: 40 }),
  modules: fc.array(fc.record({ dOut: fc.integer({ min: 1, max: 40 }), rank: fc.integer({ min: 1, max: 8 }) }), {
    minLength: 1,
    maxLength: 3
  })
})

const session = fc.array(shape, { minLength: 1, maxLength: 5 }).chain(shapes =>
  fc.record({
    shapes: fc.constant(shapes),
    // Any order; some groups may have no row.
    groups: fc.array(fc.integer({ min: 0, max: shapes.length - 1 }), { minLength: 1, maxLength: 12 }),
    first: fc.constantFrom(0, 0, 1, 900),
    seed: fc.string({ minLength: 1, maxLength: 8 })
  })
)

/** Each run commits to an adapter, certifies and verifies it, and proves and verifies a session: half a second with noble. */
const RUNS = 12

test('an honest session over any shape is accepted, with any order of rows and from any row on', t => {
  fc.assert(
    fc.property(session, ({ shapes, groups, first, seed }) => {
      const { adapter, manifest } = register(seed, makeAdapter(seed, shapes))
      const publicAtStart = new Uint8Array(32).fill(7)
      const init = honestSession(adapter, seed, { groups, first, ...(first > 0 ? { publicAtStart } : {}) })
      const { bundle, root } = prove(init)
      const proof = verify({ kernel, manifest, bundle, random: seeded('property') })
      t.deepEqual(proof.root, root)
      t.deepEqual(root, merkleRoot(proof.session, init.rows))
      t.deepEqual([proof.start, proof.end], [first, first + groups.length])
      t.deepEqual(
        proof.rowsPerGroup,
        shapes.map((_, group) => ({ group, rows: groups.filter(g => g === group).length })).filter(({ rows }) => rows > 0)
      )
    }),
    { numRuns: RUNS }
  )
})
