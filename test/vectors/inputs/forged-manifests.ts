/** Manifests that are right but for one thing, certified by the real prover: a verifier without that one check accepts them. */
import { concat } from '../../../src/bytes.js'
import { openingBytes } from '../../../src/proof/adapter/decode.js'
import { encodeBody, encodeManifest, encodeShape, hashBody } from '../../../src/proof/adapter/encode.js'
import { proveOpenings } from '../../../src/proof/adapter/openings.js'
import { Masks } from '../../../src/proof/transcript.js'
import { flip, kernel, seeded } from '../../proof/fixture.js'
import { small } from './small.js'

const { manifest, quantized, groups } = small
const bodyBytes = manifest.bytes.length - manifest.certificates.length - 1 - 4
const kindAt = 4 + bodyBytes
const [first] = manifest.groups
const firstCertificate = openingBytes(first!.dIn, first!.modules[0]!.dOut)

interface Change {
  name?: string
  baseName?: string
  activationBits?: number
  weightBits?: number
  /** Names of the three modules. */
  modules?: readonly string[]
  /** Column 0 of the first module's A is zero, and so is its blinding. */
  zeroColumn?: boolean
}

function certified({ name = manifest.name, baseName = manifest.baseName, modules, zeroColumn = false, ...bits }: Change): Uint8Array {
  const shape = {
    ...{ activationBits: manifest.activationBits, weightBits: manifest.weightBits, ...bits },
    groups: manifest.groups.map(({ dIn, modules: members }, g) => ({
      dIn,
      modules: members.map(member => ({ ...member, name: modules?.[g] ?? member.name }))
    }))
  }
  const commitments = manifest.groups.map(({ modules: [module] }, g) => ({
    ca: zeroColumn && g === 0 ? new Uint8Array(32) : module!.ca,
    cb: module!.cb
  }))
  const body = encodeBody({ ...manifest, name, baseName, shape, commitments })
  const masks = new Masks(kernel, seeded('forged manifests'), small.secret)
  const certificates = quantized.groups.map(({ dIn, modules: [module] }, index) => {
    const isZero = zeroColumn && index === 0
    return proveOpenings({
      ...{ kernel, masks, bodyHash: hashBody(body), place: { index, dIn, offset: 0 } },
      module: isZero ? { ...module!, a: new Int16Array(dIn) } : module!,
      alpha: isZero ? new Uint8Array(32) : groups[index]!.alpha,
      beta: groups[index]!.beta
    })
  })
  return encodeManifest(body, concat(certificates))
}

/** The first byte of what comes after the shape: 32 bytes of scales' hash, then commitments. */
const commitmentsAt = 4 + 1 + 64 + 2 + manifest.name.length + 2 + manifest.baseName.length + encodeShape(manifest).length + 32

/** By what is wrong. */
export const FORGED_MANIFESTS: Readonly<Record<string, Uint8Array>> = {
  'the equation over G of one module does not hold': flip(manifest.bytes, kindAt + 1 + 64 + 32 * first!.dIn),
  'the equation over K of one module does not hold': flip(manifest.bytes, kindAt + firstCertificate - 31),
  'a commitment CA is the identity': certified({ zeroColumn: true }),
  'a commitment is no canonical point': flip(manifest.bytes, commitmentsAt),
  'certificate kind 1': flip(manifest.bytes, kindAt),
  'two modules of one name': certified({ modules: ['a', 'b', 'a'] }),
  'a control character in its name': certified({ name: 'small\u0007' }),
  'a control character of C1 in the base model’s name': certified({ baseName: 'tiny\u0085' }),
  'a line feed in a module’s name': certified({ modules: ['a', 'b\n', 'c'] }),
  'an empty base model’s name': certified({ baseName: '' }),
  'an empty name of a module': certified({ modules: ['', 'b', 'c'] }),
  'a name of 129 bytes': certified({ name: 'x'.repeat(129) }),
  '17 bits of activations': certified({ activationBits: 17 }),
  '1 bit of weights': certified({ weightBits: 1 }),
  'a body that is longer than the bytes': concat([Uint8Array.of(255, 255, 255, 255), manifest.bytes.subarray(4)]),
  'a byte more in the body': concat([
    Uint8Array.of((bodyBytes + 1) & 0xff, (bodyBytes + 1) >> 8, 0, 0),
    manifest.bytes.subarray(4, kindAt),
    Uint8Array.of(0),
    manifest.bytes.subarray(kindAt)
  ])
}

/** Right, though unusual: names are compared by bytes, and U+FEFF is a character. */
export const UNUSUAL_MANIFEST = certified({ name: '\ufeffsmall', modules: ['e\u0301', '\u00e9', '\ufeff\u00e9'] })
