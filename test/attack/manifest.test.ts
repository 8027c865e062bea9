/** Commitments that do not open over exactly their own generators, by a dishonest owner that runs the real certificate prover. */
import test from 'ava'
import { concat } from '../../src/bytes.js'
import { commitAdapter, decodeManifest, verifyManifest, type CommittedAdapter, type Manifest } from '../../src/proof/index.js'
import { encodeBody, encodeManifest, hashBody } from '../../src/proof/adapter/encode.js'
import { certificateItems } from '../../src/proof/certificate/layout.js'
import { certifyModule } from '../../src/proof/certificate/prove.js'
import { Masks } from '../../src/proof/transcript.js'
import { BASE, kernel, makeAdapter, seeded } from '../proof/fixture.js'
import { outcome, TWINS } from './claims.js'
import { combine } from './forge.js'

const random = seeded('manifest attack')
const owner: CommittedAdapter = commitAdapter({
  ...{ kernel, adapter: makeAdapter('manifest attack', TWINS), base: BASE, name: 'x', ownerKey: BASE },
  ...{ secret: random(32), salt: random(32), random }
})

/** The manifest over other commitments, with certificates made anew by the real prover for its new body. */
function certified(change: (commitments: { ca: Uint8Array; cb: Uint8Array }[]) => void): Manifest {
  const { manifest, quantized, groups } = owner
  const commitments = manifest.groups.map(({ modules }) => ({ ...modules[0]! }))
  change(commitments)
  const body = encodeBody({ ...manifest, shape: manifest, commitments })
  const certificates = quantized.groups.map((group, index) =>
    certifyModule({
      ...{
        weightBits: manifest.weightBits,
        kernel,
        masks: new Masks(kernel, random, owner.secret),
        bodyHash: hashBody(body),
        module: group.modules[0]!
      },
      place: { index, dIn: group.dIn, offset: 0 },
      ...groups[index]!
    })
  )
  return decodeManifest(encodeManifest(body, concat(certificates)))
}

const verdict = (manifest: Manifest): string => outcome(() => verifyManifest({ kernel, manifest, random }))

function moreAt(point: Uint8Array, family: 'G' | 'K', index: number): Uint8Array {
  return concat([combine(point.subarray(0, 32), [kernel.generators(family, index, 1), 1]), point.subarray(32)])
}

test('with its own commitments the manifest is accepted', t => {
  t.is(verdict(certified(() => {})), 'accepted')
})

test('a column of A with a component beyond d_in is refused', t => {
  t.is(verdict(certified(([first]) => (first!.ca = moreAt(first!.ca, 'G', 10)))), 'certificate')
})

test('a row of B with a component beyond its block of K is refused', t => {
  t.is(verdict(certified(([first]) => (first!.cb = moreAt(first!.cb, 'K', 3)))), 'certificate')
})

test('a column of A over the generators of B is refused', t => {
  t.is(verdict(certified(([first]) => (first!.ca = moreAt(first!.ca, 'K', 0)))), 'certificate')
})

test('columns exchanged between modules, or with their order changed, are refused', t => {
  t.is(verdict(certified(all => ([all[0]!.ca, all[1]!.ca] = [all[1]!.ca, all[0]!.ca]))), 'certificate')
  t.is(verdict(certified(([first]) => (first!.ca = concat([first!.ca.subarray(32), first!.ca.subarray(0, 32)])))), 'certificate')
})

test("one module's certificate does not serve for another", t => {
  const { manifest } = owner
  const length = 32 * certificateItems({ dIn: 10, dOut: 3, rank: 2, weightBits: manifest.weightBits })
  const parts = [manifest.certificates.subarray(length), manifest.certificates.subarray(0, length)]
  const swapped = encodeManifest(
    encodeBody({ ...manifest, shape: manifest, commitments: manifest.groups.flatMap(({ modules }) => modules) }),
    concat(parts)
  )
  t.is(verdict(decodeManifest(swapped)), 'certificate')
})
