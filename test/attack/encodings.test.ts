/** Bytes that mean the right thing and are written otherwise, or that only some verifiers take: none is accepted. */
import test from 'ava'
import { MalformedMessageError } from '../../src/errors.js'
import { concat, equal, fromHex, u32, u8, utf8 } from '../../src/bytes.js'
import {
  decodeManifest,
  encodeContext,
  prove,
  publicKeyOf,
  sessionId,
  sign,
  verifyManifest,
  verifySignature,
  verifyTail
} from '../../src/proof/index.js'
import { decodeBundle } from '../../src/proof/bundle/decode.js'
import { certifiedModules } from '../../src/proof/certificate/verify.js'
import { LABELS } from '../../src/proof/labels.js'
import { hash } from '../../src/kernel/hash.js'
import { nobleKernel } from '../../src/kernel/index.js'
import { badSignatures } from '../proof/bad-signatures.js'
import { honestSession, kernel, makeAdapter, OWNER_SECRET, register, seeded, USER_SECRET } from '../proof/fixture.js'
import { proveSteps } from '../proof/steps.js'
import { FLAT, outcome, verdict } from './claims.js'

const { adapter, manifest } = register('encodings', makeAdapter('encodings', FLAT))
const session = honestSession(adapter, 'encodings', { groups: [0, 1] })
const { bundle } = prove(session)

/** ℓ, little endian. */
const ORDER = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')

/** z + ℓ: the same scalar. */
function plusOrder(scalar: Uint8Array): Uint8Array {
  let carry = 0
  return scalar.map((byte, i) => {
    const sum = byte + ORDER[i]! + carry
    carry = sum >>> 8
    return sum
  })
}

/** The bytes with a part of them, found by its place in memory, replaced. */
function replaced(bytes: Uint8Array, part: Uint8Array, by: Uint8Array): Uint8Array {
  const out = bytes.slice()
  out.set(by, part.byteOffset - bytes.byteOffset)
  return out
}

test('every scalar of a bundle is refused when ℓ is added to it', t => {
  const { proof } = decodeBundle(bundle, manifest)
  const { answers, maskAnswers } = proof
  t.is(verdict(manifest, bundle), 'accepted')
  const scalars = [answers.z.subarray(0, 32), answers.zOmega, answers.zSigma, answers.zNu, ...Object.values(maskAnswers)]
  for (const scalar of [...scalars, proof.x.subarray(0, 32), proof.a.subarray(0, 32)]) {
    t.is(verdict(manifest, replaced(bundle, scalar, plusOrder(scalar))), 'MalformedMessageError')
  }
})

test('a scalar of a certificate with ℓ added is refused', t => {
  const { certificate } = certifiedModules(manifest)[0]!
  const { zetaX } = certificate.familyA.maskAnswers
  const bytes = replaced(manifest.bytes, zetaX, plusOrder(zetaX))
  t.is(
    outcome(() => verifyManifest({ kernel, manifest: decodeManifest(bytes), random: seeded('verifier') })),
    'MalformedMessageError'
  )
})

const P = fromHex('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')
const NOT_CANONICAL: Readonly<Record<string, Uint8Array>> = {
  'the identity written as p': P,
  'above p': P.with(0, 0xf1),
  negative: Uint8Array.of(1, ...new Uint8Array(31)),
  'with the highest bit set': new Uint8Array(32).with(31, 0x80),
  'no square': fromHex('26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371')
}

for (const [name, point] of Object.entries(NOT_CANONICAL)) {
  test(`a point that is ${name} is refused in bundles and manifests, by both kernels`, t => {
    const { proof, statement } = decodeBundle(bundle, manifest)
    for (const part of [proof.hidden.w, proof.value, proof.first.ed, proof.maskPoints.t1, statement.rows[0]!.s]) {
      t.is(verdict(manifest, replaced(bundle, part, point)), 'MalformedMessageError')
    }
    const { ca } = manifest.groups[0]!.modules[0]!
    const bytes = replaced(manifest.bytes, ca, point)
    t.is(
      outcome(() => verifyManifest({ kernel, manifest: decodeManifest(bytes), random: seeded('verifier') })),
      'MalformedMessageError'
    )
    for (const each of [kernel, nobleKernel()]) t.throws(() => each.decode(point), { instanceOf: MalformedMessageError })
  })
}

test('both kernels refuse ℓ as a scalar, and take ℓ − 1', t => {
  for (const each of [kernel, nobleKernel()]) {
    t.throws(() => each.checkScalars(ORDER), { instanceOf: MalformedMessageError })
    t.notThrows(() => each.checkScalars(ORDER.with(0, ORDER[0]! - 1)))
  }
})

test('tails with keys and signatures that only some verifiers take are refused', t => {
  const { userTail, context } = session
  const { rows, accepted, publicHash, privateHash } = userTail
  const items = [utf8('user'), sessionId(context), concat([u32(rows), u32(accepted), u8(1)]), publicHash, privateHash]
  const bad = badSignatures(USER_SECRET, LABELS.signTail, items)
  const shown = bad.filter(({ publicKey, signature }) => publicKey.length === 32 && signature.length === 64)
  t.true(shown.length >= 10)
  for (const { name, publicKey, signature } of shown) {
    const tail = { ...userTail, signature }
    t.false(verifyTail({ publicKey, role: 'user', session: sessionId(context), tail }), name)
    if (!equal(publicKey, context.userKey)) continue
    const { bundle: written } = proveSteps(session, { statement: statement => ({ ...statement, userTail: tail }) })
    t.is(verdict(manifest, written), 'signature', name)
  }
})

test('a signature serves for one label and one list of items', t => {
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4)]
  const signature = sign(USER_SECRET, 'label', a, b)
  const key = publicKeyOf(USER_SECRET)
  t.true(verifySignature(key, signature, 'label', a, b))
  t.false(verifySignature(key, signature, 'other', a, b))
  t.false(verifySignature(key, signature, 'label', concat([a, b])))
  t.false(verifySignature(key, signature, 'label', Uint8Array.of(1), Uint8Array.of(2, 3, 4)))
  t.false(verifySignature(key, signature, 'label', b, a))
  t.false(verifySignature(publicKeyOf(OWNER_SECRET), signature, 'label', a, b))
  t.false(verifySignature(key, signature.subarray(1), 'label', a, b))
  // S with one more byte of zeros is the same number.
  t.false(verifySignature(key, concat([signature, Uint8Array.of(0)]), 'label', a, b))
  t.false(verifySignature(concat([key, a]), signature, 'label', a, b))
})

test('a hash of two items is not that of them in one', t => {
  t.notDeepEqual(hash('label', Uint8Array.of(1), Uint8Array.of(2)), hash('label', Uint8Array.of(1, 2)))
})

test('a bundle of no rows is named as that, whatever follows', t => {
  const end = 1 + encodeContext(session.context).length + 4
  t.throws(() => decodeBundle(bundle.with(end, 0), manifest), { instanceOf: MalformedMessageError, message: /covers rows 0 to 0/ })
})
