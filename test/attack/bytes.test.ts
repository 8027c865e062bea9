/** Accepted bytes with one place changed: each must end in a named error, and none may be accepted. */
import test from 'ava'
import { concat } from '../../src/bytes.js'
import { decodeManifest, verify, verifyManifest } from '../../src/proof/index.js'
import { decodeBundle } from '../../src/proof/bundle/decode.js'
import { flip, honestBundle, kernel, makeAdapter, register, seeded } from '../proof/fixture.js'
import { FLAT, outcome, TINY, verdict } from './claims.js'

const { adapter, manifest } = register('bytes', makeAdapter('bytes', TINY))
const { bundle } = honestBundle(adapter, 'bytes', { groups: [0] })

/** One bit of each byte, another one from byte to byte. */
function flips(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => flip(bytes, at, at % 8))
}

test('a flipped bit at every byte of a bundle is refused', t => {
  t.is(verdict(manifest, bundle), 'accepted')
  const verdicts = flips(bundle).map(bytes => verdict(manifest, bytes))
  t.is(verdicts.indexOf('accepted'), -1)
  // Any message changes the challenges of equation 7, which is checked first.
  t.deepEqual([...new Set(verdicts)].sort(), ['LimitExceededError', 'MalformedMessageError', 'context', 'inner product', 'signature'])
})

test('a flipped bit at every byte of a bundle without halvings is refused', t => {
  const flat = register('flat bytes', makeAdapter('flat bytes', FLAT.slice(0, 1)))
  const short = honestBundle(flat.adapter, 'flat bytes', { groups: [0] }).bundle
  t.is(verdict(flat.manifest, short), 'accepted')
  const verdicts = flips(short).map(bytes => verdict(flat.manifest, bytes))
  t.is(verdicts.indexOf('accepted'), -1)
  t.true(verdicts.filter(found => found === 'equations').length > 200)
})

test('a bundle cut after every byte is refused as malformed', t => {
  const verdicts = Array.from(bundle, (_, length) => outcome(() => decodeBundle(bundle.subarray(0, length), manifest)))
  t.deepEqual(new Set(verdicts), new Set(['MalformedMessageError']))
})

test('a bundle with a byte behind it is refused as malformed', t => {
  t.is(verdict(manifest, concat([bundle, Uint8Array.of(0)])), 'MalformedMessageError')
})

test('every point of a bundle is refused when it is the identity', t => {
  const { statement, proof } = decodeBundle(bundle, manifest)
  const points = [proof.hidden.w, proof.hidden.p, proof.value, ...Object.values(proof.first), ...Object.values(proof.maskPoints)]
  for (const point of [...points, proof.rounds[0]!.a1, proof.rounds[0]!.a2, proof.rounds[0]!.a3, proof.rounds[0]!.a4]) {
    const changed = bundle.slice()
    changed.fill(0, point.byteOffset - bundle.byteOffset, point.byteOffset - bundle.byteOffset + point.length)
    t.is(verdict(manifest, changed), 'identity')
  }
  // A row is under both signatures, which are checked before.
  const { s } = statement.rows[0]!
  const changed = bundle.slice()
  changed.fill(0, s.byteOffset - bundle.byteOffset, s.byteOffset - bundle.byteOffset + s.length)
  t.is(verdict(manifest, changed), 'signature')
})

function manifestVerdict(bytes: Uint8Array): string {
  return outcome(() => verifyManifest({ kernel, manifest: decodeManifest(bytes), random: seeded('attacked verifier') }))
}

test('a flipped bit at every byte of a manifest is refused', t => {
  t.is(manifestVerdict(manifest.bytes), 'accepted')
  const verdicts = flips(manifest.bytes).map(manifestVerdict)
  t.is(verdicts.indexOf('accepted'), -1)
})

test('a manifest cut after every byte, or with a byte behind it, is refused as malformed', t => {
  const verdicts = Array.from(manifest.bytes, (_, length) => outcome(() => decodeManifest(manifest.bytes.subarray(0, length))))
  t.deepEqual(new Set(verdicts), new Set(['MalformedMessageError']))
  t.is(manifestVerdict(concat([manifest.bytes, Uint8Array.of(0)])), 'MalformedMessageError')
})

test('a verifier returns nothing for a refused bundle, and the same bundle is still accepted afterwards', t => {
  t.throws(() => verify({ kernel, manifest, bundle: flip(bundle, bundle.length - 1), random: seeded('attacked verifier') }))
  t.is(verdict(manifest, bundle), 'accepted')
})
