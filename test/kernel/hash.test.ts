import test from 'ava'
import fc from 'fast-check'
import { blake3 as other } from 'hash-wasm'
import { concat, fromHex, prefixed, toHex, utf8 } from '../../src/bytes.js'
import { createBlake3, hash, hashWide, keyedHashWide } from '../../src/kernel/index.js'

const LABEL = 'zklora/v1/generator'
/** Of the official test vectors of BLAKE3: bytes 0, 1, … 250, 0, 1, … */
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251)

test('BLAKE3 of nothing and of 1,025 bytes is that of the official vectors', t => {
  t.is(toHex(createBlake3().digest()), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
  t.is(toHex(createBlake3().update(counting(1025)).digest()), 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444')
})

test('a running hash is that of the joined pieces, and goes on after a digest or in a clone', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 5 }), async lengths => {
      const pieces = lengths.map(counting)
      const running = createBlake3()
      for (const piece of pieces) {
        running.update(piece)
        running.digest()
      }
      const fork = running.clone().update(utf8('other'))
      t.is(toHex(running.digest()), await other(concat(pieces)))
      t.is(toHex(running.digest(64)), await other(concat(pieces), 512))
      t.is(toHex(fork.digest()), await other(concat([...pieces, utf8('other')])))
    }),
    { numRuns: 20 }
  )
})

test('a labelled hash covers label and items, each with its length', async t => {
  const items = [utf8('G'), new Uint8Array(0), Uint8Array.of(1, 0, 0, 0)]
  const input = concat([utf8(LABEL), ...items].map(prefixed))
  const key = counting(32)
  t.is(toHex(hash(LABEL, ...items)), await other(input))
  t.is(toHex(hashWide(LABEL, ...items)), await other(input, 512))
  t.is(toHex(keyedHashWide(key, LABEL, ...items)), await other(input, 512, key))
})

test('items that read the same when joined have different hashes', t => {
  const hashes = [[fromHex('0102')], [fromHex('01'), fromHex('02')], [fromHex('0102'), fromHex('')], []].map(items =>
    toHex(hash('l', ...items))
  )
  t.is(new Set(hashes).size, 4)
})
