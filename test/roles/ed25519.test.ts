/** Node's Ed25519 behind the strict checks accepts exactly what noble's arithmetic does. */
import test from 'ava'
import { ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { concat, fromHex } from '../../src/bytes.js'
import { publicKeyOf, sign, useEd25519, verifySignature } from '../../src/proof/index.js'
import { useNodeEd25519 } from '../../src/roles/ed25519.js'
import { badSignatures } from '../proof/bad-signatures.js'
import { OWNER_SECRET } from '../proof/fixture.js'

const LABEL = 'zklora/v1/test'
const item = Uint8Array.of(1, 2, 3)
const key = publicKeyOf(OWNER_SECRET)
const good = sign(OWNER_SECRET, LABEL, item)

/** With Node's, then with noble's. */
function both(publicKey: Uint8Array, signature: Uint8Array, of = item): [boolean, boolean] {
  useNodeEd25519()
  const node = verifySignature(publicKey, signature, LABEL, of)
  useEd25519(undefined)
  return [node, verifySignature(publicKey, signature, LABEL, of)]
}

test.serial('a right signature passes, over nothing else', t => {
  t.deepEqual(both(key, good), [true, true])
  t.deepEqual(both(key, good, Uint8Array.of(1, 2, 4)), [false, false])
  t.deepEqual(both(publicKeyOf(new Uint8Array(32).fill(9)), good), [false, false])
})

test.serial('signatures that only some verifiers accept are refused', t => {
  for (const { name, publicKey, signature } of badSignatures(OWNER_SECRET, LABEL, [item]))
    t.deepEqual(both(publicKey, signature), [false, false], name)
})

test.serial('every point of small order is refused as key and as R, in every encoding, also where the equation holds', t => {
  const torsion = ed25519.Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const prime = ed25519.Point.Fp.ORDER
  let point = torsion
  for (let i = 0; i < 8; i++, point = point.add(torsion)) {
    const { y } = point.toAffine()
    for (const written of [y, y + prime].filter(value => value < 2n ** 255n)) {
      for (const sign of [0n, 2n ** 255n]) {
        const bytes = fromHex((written + sign).toString(16).padStart(64, '0')).reverse()
        t.deepEqual(both(bytes, concat([bytes, new Uint8Array(32)])), [false, false])
        t.deepEqual(both(key, concat([bytes, good.subarray(32)])), [false, false])
        t.deepEqual(both(bytes, good), [false, false])
      }
    }
  }
})

test.serial('of any key and signature, random or with bits changed, both say the same', t => {
  const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
  const flipped = (of: Uint8Array): fc.Arbitrary<Uint8Array> =>
    fc.nat(of.length * 8 - 1).map(bit => of.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)))
  const keys = fc.oneof(bytes(32), flipped(key), fc.constant(key))
  const signatures = fc.oneof(bytes(64), flipped(good), fc.constant(good))
  fc.assert(
    fc.property(keys, signatures, (publicKey, signature) => {
      const [node, noble] = both(publicKey, signature)
      return node === noble
    }),
    { numRuns: 400 }
  )
  t.pass()
})
