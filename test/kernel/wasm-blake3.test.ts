import test from 'ava'
import { blake3 } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import { createBlake3 } from '../../src/kernel/index.js'

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251)

/** At the borders of blocks, chunks, subtrees and calls, and beside them. */
const BORDERS = [0, 64, 128, 1024, 2048, 3072, 4096, 5120, 7168, 8192, 65_536, 66_560, 131_072, 200_704]

test('hashes of all lengths about a border are those of noble', t => {
  for (const border of BORDERS) {
    for (const length of [border - 1, border, border + 1].filter(value => value >= 0)) {
      const bytes = counting(length)
      t.deepEqual(createBlake3().update(bytes).digest(131), blake3(bytes, { dkLen: 131 }), `${length} bytes`)
    }
  }
})

test('pieces hash as the whole, and a digest leaves the hash as it was', t => {
  const length = fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(...BORDERS))
  fc.assert(
    fc.property(fc.array(length, { maxLength: 6 }), lengths => {
      const pieces = lengths.map(counting)
      const running = createBlake3()
      for (const piece of pieces) {
        running.update(piece)
        running.digest()
      }
      const fork = running.clone().update(Uint8Array.of(1))
      t.deepEqual(running.digest(), blake3(concat(pieces)))
      t.deepEqual(fork.digest(), blake3(concat([...pieces, Uint8Array.of(1)])))
    }),
    { numRuns: 60 }
  )
})
