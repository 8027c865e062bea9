import test from 'ava'
import { concat, u16, u32 } from '../../src/bytes.js'
import { InvalidInputError, InvalidProofError, LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { FORMAT_LIMITS } from '../../src/limits.js'
import {
  checkScales,
  commitAdapter,
  contentDigest,
  decodeManifest,
  recallManifest,
  restoreAdapter,
  verifyManifest,
  type Manifest
} from '../../src/proof/index.js'
import { encodeBody, encodeManifest, type ManifestBody } from '../../src/proof/adapter/encode.js'
import { BASE, flip, honestBundle, kernel, makeAdapter, OWNER_SECRET, register, seeded, SHAPES } from './fixture.js'
import { publicKeyOf, verify } from '../../src/proof/index.js'

const random = seeded('manifest')
const { adapter, manifest } = register('manifest')

test('a manifest says what was committed to', t => {
  t.deepEqual([manifest.name, manifest.baseName, manifest.activationBits, manifest.weightBits], ['tiny', 'tests/tiny', 16, 8])
  t.deepEqual([manifest.owner, manifest.base], [publicKeyOf(OWNER_SECRET), BASE])
  t.deepEqual(
    manifest.groups.map(({ dIn, outputs, rank, modules }) => [
      dIn,
      outputs,
      rank,
      modules.map(({ name, offset, index }) => [name, offset, index])
    ]),
    [
      [
        20,
        19,
        5,
        [
          ['layers.0.module_0', 0, 0],
          ['layers.0.module_1', 12, 1]
        ]
      ],
      [33, 5, 1, [['layers.1.module_0', 0, 2]]]
    ]
  )
  t.deepEqual(decodeManifest(manifest.bytes), adapter.manifest)
})

test('a decoded manifest does not change with the buffer that it came in', t => {
  const buffer = manifest.bytes.slice()
  const { owner, id } = decodeManifest(buffer)
  buffer.fill(0)
  t.deepEqual([owner, id], [manifest.owner, manifest.id])
})

test('a manifest is verified against the identifier by which it was asked for', t => {
  t.notThrows(() => verifyManifest({ kernel, manifest, random, id: adapter.manifest.id }))
  t.throws(() => verifyManifest({ kernel, manifest, random, id: BASE }), {
    instanceOf: InvalidProofError,
    message: /^manifest: its identifier/
  })
  t.is(recallManifest(manifest, manifest.id), manifest)
  t.throws(() => recallManifest(manifest, BASE), { instanceOf: InvalidProofError, message: /^manifest: its identifier/ })
})

test('progress counts every module twice: committed and certified', t => {
  const seen: [number, number][] = []
  commitAdapter({
    ...{ kernel, adapter: makeAdapter('progress'), base: BASE, name: 'x', ownerKey: BASE, secret: BASE, salt: BASE, random },
    onProgress: (done, total) => seen.push([done, total])
  })
  t.deepEqual(
    seen,
    [1, 2, 3, 4, 5, 6].map(done => [done, 6])
  )
})

test('names that no manifest can hold are refused in words', t => {
  const commit =
    (name: string, baseModelName = 'base') =>
    () => {
      const quantized = { ...makeAdapter('names', [{ dIn: 2, modules: [{ dOut: 1, rank: 1 }] }]), baseModelName }
      commitAdapter({ kernel, adapter: quantized, base: BASE, name, ownerKey: BASE, secret: BASE, salt: BASE, random })
    }
  t.throws(commit(''), { instanceOf: InvalidInputError, message: /name "" is 0 bytes long; 1 to 128/ })
  t.throws(commit('é'.repeat(65)), { instanceOf: InvalidInputError, message: /is 130 bytes long/ })
  t.throws(commit('red\u001b[31m'), { instanceOf: InvalidInputError, message: /control characters/ })
  t.throws(commit('good', '\u0085'), { instanceOf: InvalidInputError, message: /base model name .* control characters/ })
  t.notThrows(commit('é'.repeat(64)))
})

test('an adapter whose manifest would be too long is refused before anything is computed', t => {
  const module = { dOut: 1024, rank: 128, a: new Int16Array(), b: new Int16Array(), scale: 1 }
  const groups = Array.from({ length: 1024 }, (_, g) => ({ dIn: 1024, modules: [{ ...module, name: `${g}` }] }))
  const init = { kernel, base: BASE, name: 'wide', ownerKey: BASE, secret: BASE, salt: BASE, random }
  t.throws(() => commitAdapter({ ...init, adapter: { ...adapter.quantized, groups } }), {
    instanceOf: LimitExceededError,
    message: /bytes of commitments and certificates is \d+, at most 16777216 .*lower rank or on fewer target modules/
  })
  t.throws(() => commitAdapter({ ...init, adapter: { ...adapter.quantized, groups, weightBits: 15 } }), {
    instanceOf: LimitExceededError,
    message: /entries of certificates is \d+, at most 33554432 .*fewer bits for the weights/
  })
})

test('an adapter with a weight outside its range is refused before anything is computed', t => {
  for (const weight of [128, -128, 32_767]) {
    const quantized = makeAdapter('out of range')
    quantized.groups[1]!.modules[0]!.b[2] = weight
    t.throws(() => commitAdapter({ kernel, adapter: quantized, base: BASE, name: 'x', ownerKey: BASE, secret: BASE, salt: BASE, random }), {
      instanceOf: InvalidInputError,
      message: /weight -?\d+ is outside −127 … 127, the range of 8 bits/
    })
  }
})

const restore = { kernel, adapter: adapter.quantized, manifestBytes: manifest.bytes, secret: adapter.secret, salt: adapter.salt, random }

test('a restored adapter proves as the first one did', t => {
  const restored = restoreAdapter(restore)
  t.deepEqual(
    restored.groups.map(({ alpha, beta }) => [alpha, beta]),
    adapter.groups.map(({ alpha, beta }) => [alpha, beta])
  )
  t.deepEqual(restored.content, adapter.content)
  t.notThrows(() => verify({ kernel, manifest, bundle: honestBundle(restored, 'restored').bundle, random }))
})

test('an adapter is not restored with other weights, scales, shapes, secret or salt', t => {
  const refuses = (change: Partial<typeof restore>, message: RegExp) =>
    t.throws(() => restoreAdapter({ ...restore, ...change }), { instanceOf: InvalidInputError, message })
  const changed = (change: (quantized: ReturnType<typeof makeAdapter>) => void) => {
    const quantized = structuredClone(adapter.quantized)
    change(quantized)
    return { adapter: quantized }
  }
  refuses(
    changed(({ groups }) => groups[1]!.modules[0]!.a[32]!++),
    /weights or secret/
  )
  refuses(
    changed(({ groups }) => groups[0]!.modules[1]!.b[0]!--),
    /weights or secret/
  )
  refuses({ secret: BASE }, /weights or secret/)
  refuses({ salt: BASE }, /scales or salt/)
  refuses({ adapter: makeAdapter('manifest', SHAPES.slice(0, 1)) }, /modules or bits/)
  refuses({ adapter: { ...adapter.quantized, weightBits: 9 } }, /modules or bits/)
})

test('the content digest tells two adapters apart by base model and by any weight', t => {
  const quantized = makeAdapter('manifest')
  t.deepEqual(contentDigest(BASE, quantized), adapter.content)
  t.notDeepEqual(contentDigest(new Uint8Array(32), quantized), adapter.content)
  quantized.groups[1]!.modules[0]!.b[4]!++
  t.notDeepEqual(contentDigest(BASE, quantized), adapter.content)
})

test('scales are checked against the manifest', t => {
  const scales = Float64Array.from(adapter.quantized.groups.flatMap(({ modules }) => modules.map(({ scale }) => scale)))
  t.notThrows(() => checkScales(manifest, adapter.salt, scales))
  const refuses = (salt: Uint8Array, wrong: Float64Array, message: RegExp) =>
    t.throws(() => checkScales(manifest, salt, wrong), { instanceOf: InvalidProofError, message })
  refuses(BASE, scales, /scales: they are not those/)
  refuses(adapter.salt, scales.subarray(1), /scales: they are not those/)
  for (const value of [0, -1, NaN, Infinity]) refuses(adapter.salt, scales.with(1, value), /scales: scale 1 is/)
})

/** A manifest's bytes with another body around the same commitments. */
function rebuilt(change: Partial<ManifestBody>): Uint8Array {
  const commitments = manifest.groups.flatMap(({ modules }) => modules)
  const body = { ...manifest, shape: manifest, commitments, ...change }
  return encodeManifest(encodeBody(body), manifest.certificates)
}

function refuses(t: { throws: (work: () => unknown, expected: object) => unknown }, change: Partial<ManifestBody>, expected: object): void {
  t.throws(() => decodeManifest(rebuilt(change)), expected)
}

function shaped(
  change: (groups: { dIn: number; modules: { name: string; dOut: number; rank: number }[] }[]) => void
): Partial<ManifestBody> {
  const groups = manifest.groups.map(({ dIn, modules }) => ({
    dIn,
    modules: modules.map(({ name, dOut, rank }) => ({ name, dOut, rank }))
  }))
  change(groups)
  return { shape: { activationBits: 16, weightBits: 8, groups } }
}

const malformed = (message: RegExp) => ({ instanceOf: MalformedMessageError, message })
const exceeded = (message: RegExp) => ({ instanceOf: LimitExceededError, message })

test('names in a manifest have 1 to so many bytes of UTF-8 without control characters', t => {
  refuses(t, { name: '' }, malformed(/the name in the manifest is 0 bytes/))
  refuses(t, { name: 'x'.repeat(129) }, exceeded(/bytes of the name is 129/))
  refuses(t, { name: 'a\u007f' }, malformed(/control/))
  refuses(t, { baseName: 'x'.repeat(513) }, exceeded(/base model name is 513/))
  refuses(
    t,
    shaped(([group]) => (group!.modules[0]!.name = 'a\nb')),
    malformed(/module name .* control/)
  )
  t.throws(() => decodeManifest(flip(manifest.bytes, 4 + 1 + 64 + 2, 7)), malformed(/UTF-8/))
  t.throws(
    () => decodeManifest(rebuilt(shaped(([group]) => (group!.modules[1]!.name = group!.modules[0]!.name)))),
    malformed(/two modules called/)
  )
})

test('bits, counts and widths in a manifest stay in their range', t => {
  refuses(t, { shape: { ...manifest, activationBits: 3 } }, malformed(/activation bits are 3; the format has 4 to 16/))
  refuses(t, { shape: { ...manifest, weightBits: 17 } }, malformed(/weight bits are 17/))
  refuses(t, { shape: { ...manifest, groups: [] } }, malformed(/groups is 0/))
  refuses(
    t,
    shaped(([group]) => (group!.dIn = 0)),
    malformed(/d_in is 0/)
  )
  refuses(
    t,
    shaped(([group]) => (group!.dIn = FORMAT_LIMITS.dIn + 1)),
    exceeded(/d_in/)
  )
  refuses(
    t,
    shaped(([group]) => (group!.modules = [])),
    malformed(/modules is 0/)
  )
  refuses(
    t,
    shaped(([group]) => (group!.modules[0]!.dOut = 0)),
    malformed(/d_out is 0/)
  )
  refuses(
    t,
    shaped(([group]) => (group!.modules[0]!.dOut = FORMAT_LIMITS.groupOutputs)),
    exceeded(/d_out/)
  )
  refuses(
    t,
    shaped(([group]) => (group!.modules[0]!.rank = 0)),
    malformed(/rank is 0/)
  )
  refuses(
    t,
    shaped(([group]) => (group!.modules[0]!.rank = 129)),
    exceeded(/rank is 129/)
  )
  const many = (groups: number, modules: number, rank: number) => ({
    shape: {
      ...{ activationBits: 16, weightBits: 8 },
      groups: Array.from({ length: groups }, (_, g) => ({
        dIn: 1,
        modules: Array.from({ length: modules }, (_, m) => ({ name: `${g}.${m}`, dOut: 1, rank }))
      }))
    }
  })
  refuses(t, many(513, 1, 1), exceeded(/groups is 513/))
  refuses(t, many(1, 1025, 1), exceeded(/modules is 1025/))
  refuses(t, many(512, 2, 128), exceeded(/sum of ranks/))
  const { shape } = many(1, 512, 1)
  refuses(t, { shape: { ...shape, weightBits: 16 } }, exceeded(/entries of certificates is 33555456, at most 33554432/))
})

test('versions, kinds and lengths that are not known are refused', t => {
  const { bytes } = manifest
  const body = bytes.subarray(4, bytes.length - manifest.certificates.length - 1)
  t.throws(() => decodeManifest(flip(bytes, 4)), malformed(/manifest version 0/))
  t.throws(
    () => decodeManifest(concat([u32(body.length), body, Uint8Array.of(0), manifest.certificates])),
    malformed(/certificate kind 0 is not known/)
  )
  t.throws(
    () => decodeManifest(concat([u32(body.length + 1), body, u16(0), manifest.certificates])),
    malformed(/body of the manifest has 1 trailing/)
  )
  t.throws(() => decodeManifest(new Uint8Array(FORMAT_LIMITS.manifestBytes + 1)), exceeded(/bytes of a manifest/))
})

test('an identity commitment is refused, wherever it stands', t => {
  const zero = new Uint8Array(32)
  const at = (change: (decoded: Manifest) => Uint8Array) => {
    const copy = decodeManifest(manifest.bytes)
    change(copy).set(zero)
    return () => verifyManifest({ kernel, manifest: decodeManifest(copy.bytes), random })
  }
  const identity = { instanceOf: InvalidProofError, message: /^manifest: point \d+ is the identity/ }
  t.throws(
    at(({ groups }) => groups[1]!.modules[0]!.ca),
    identity
  )
  t.throws(
    at(({ groups }) => groups[0]!.modules[1]!.cb.subarray(32, 64)),
    identity
  )
  t.throws(
    at(({ certificates }) => certificates.subarray(32, 64)),
    identity
  )
})
