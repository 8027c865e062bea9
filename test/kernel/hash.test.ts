import test from 'ava'
import { blake3 } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { concat, fromHex, prefixed, toHex, utf8 } from '../../src/bytes.js'
import { createBlake3, hash, hashWide, keyedHashWide } from '../../src/kernel/index.js'
import { kernelMemory } from '../../src/kernel/wasm/memory.js'

const LABEL = 'zklora/v1/generator'
/** Of the official test vectors of BLAKE3: bytes 0, 1, … 250, 0, 1, … */
const KEY = utf8('whats the Elvish word for friend')
/** Around the borders of blocks, chunks, subtrees of four and sixteen chunks, and what is handed over at a time. */
const LENGTHS = [
  0, 1, 63, 64, 65, 127, 128, 1023, 1024, 1025, 2048, 2049, 3072, 4095, 4096, 4097, 5120, 8192, 16_384, 16_385, 17_408
].concat([31_744, 33_000, 65_535, 65_536, 65_537, 66_560, 131_073, 300_001])
const other = (bytes: Uint8Array, dkLen = 32, key?: Uint8Array) => toHex(blake3(bytes, key === undefined ? { dkLen } : { dkLen, key }))
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i % 251)

test('BLAKE3 of nothing and of 1,025 bytes is that of the official vectors', t => {
  t.is(toHex(createBlake3().digest()), 'af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
  t.is(toHex(createBlake3().update(counting(1025)).digest()), 'd00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444')
})

test('a running hash is that of the joined pieces, and goes on after a digest or in a clone', t => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 5 }), lengths => {
      const pieces = lengths.map(counting)
      const running = createBlake3()
      for (const piece of pieces) {
        running.update(piece)
        running.digest()
      }
      const fork = running.clone().update(utf8('other'))
      t.is(toHex(running.digest()), other(concat(pieces)))
      t.is(toHex(running.digest(64)), other(concat(pieces), 64))
      t.is(toHex(fork.digest()), other(concat([...pieces, utf8('other')])))
    }),
    { numRuns: 20 }
  )
})

test('a labelled hash covers label and items, each with its length', t => {
  const items = [utf8('G'), new Uint8Array(0), Uint8Array.of(1, 0, 0, 0)]
  const input = concat([utf8(LABEL), ...items].map(prefixed))
  const key = counting(32)
  t.is(toHex(hash(LABEL, ...items)), other(input))
  t.is(toHex(hashWide(LABEL, ...items)), other(input, 64))
  t.is(toHex(keyedHashWide(key, LABEL, ...items)), other(input, 64, key))
})

test('items that read the same when joined have different hashes', t => {
  const hashes = [[fromHex('0102')], [fromHex('01'), fromHex('02')], [fromHex('0102'), fromHex('')], []].map(items =>
    toHex(hash('l', ...items))
  )
  t.is(new Set(hashes).size, 4)
})

test('BLAKE3 of every length around a border is that of noble, in one piece and cut anywhere', t => {
  for (const length of LENGTHS) {
    const bytes = counting(length)
    const expected = other(bytes, 64)
    t.is(toHex(createBlake3().update(bytes).digest(64)), expected, `${length} bytes`)
    for (const cut of [1, 64, 1000, 1024, 1025, 65_536].filter(at => at < length)) {
      const running = createBlake3().update(bytes.subarray(0, cut)).update(bytes.subarray(cut))
      t.is(toHex(running.digest(64)), expected, `${length} bytes cut at ${cut}`)
    }
  }
})

test('labelled hashes of items of every length around a border, plain and keyed, are those of noble', t => {
  for (const length of LENGTHS) {
    const items = [counting(length), counting(7)]
    const input = concat([utf8(LABEL), ...items].map(prefixed))
    t.is(toHex(hash(LABEL, ...items)), other(input), `${length} bytes`)
    t.is(toHex(keyedHashWide(KEY, LABEL, ...items)), other(input, 64, KEY), `${length} bytes, keyed`)
  }
  // The length of the second item stands across the border of what is handed over at a time.
  const across = [counting(65_536 - 4 - LABEL.length - 4 - 2), counting(5)]
  t.is(toHex(hash(LABEL, ...across)), other(concat([utf8(LABEL), ...across].map(prefixed))))
})

test('digests of any length are those of noble', t => {
  const running = createBlake3().update(counting(1025))
  for (const length of [1, 65, 131, 65_536, 70_000]) t.is(toHex(running.digest(length)), other(counting(1025), length))
})

test('a key and what was hashed under it are not left in the memory of WebAssembly', t => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => 201 ^ (i * 89))
  const item = Uint8Array.from({ length: 5000 }, (_, i) => (i * i + 77) % 253)
  keyedHashWide(secret, LABEL, item)
  createBlake3().update(item).digest()
  const memory = Buffer.from(kernelMemory().bytes())
  t.is(memory.indexOf(secret), -1)
  t.is(memory.indexOf(item.subarray(4000, 4016)), -1)
  t.is(memory.indexOf(item.subarray(4984)), -1)
})
