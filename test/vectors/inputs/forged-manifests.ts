/** Manifests that are right but for one thing, certified by the real prover: a verifier without that one check accepts them. */
import { concat } from '../../../src/bytes.js'
import { encodeBody, encodeManifest, encodeShape, hashBody } from '../../../src/proof/adapter/encode.js'
import { hide } from '../../../src/proof/hiding.js'
import { ONE } from '../../../src/proof/scalars.js'
import { Masks } from '../../../src/proof/transcript.js'
import { certifySteps, type CertificateDeviation } from '../../proof/certificate-steps.js'
import { flip, kernel, seeded } from '../../proof/fixture.js'
import { addAt } from '../../attack/forge.js'
import { small } from './small.js'

const { manifest, quantized, groups } = small
const bodyBytes = manifest.bytes.length - manifest.certificates.length - 1 - 4
const kindAt = 4 + bodyBytes

interface Change {
  name?: string
  baseName?: string
  activationBits?: number
  weightBits?: number
  /** Names of the three modules. */
  modules?: readonly string[]
  /** Column 0 of the first module's A is zero, and so is its blinding. */
  zeroColumn?: boolean
  /** In the place of the first weight of the first module's B; its certificate says nothing of it in M. */
  weight?: Uint8Array
  /** How the first module's certificate differs from the real prover's. */
  deviation?: CertificateDeviation
}

/** Row 0 of the first module's B as scalars, with this one first. */
function changedRow(weight: Uint8Array): Uint8Array {
  return concat([weight, kernel.scalarsOf(quantized.groups[0]!.modules[0]!.b).subarray(32)])
}

function rowWith(weight: Uint8Array): Uint8Array {
  const scalars = changedRow(weight)
  return kernel.encode(hide(kernel, { scalars, bases: kernel.generators('K', 0, scalars.length / 32), blinding: groups[0]!.beta }))
}

function withWeight(weight: Uint8Array): CertificateDeviation {
  return { families: ([a, b]) => [a, { ...b, weights: () => changedRow(weight) }] }
}

function certified({
  name = manifest.name,
  baseName = manifest.baseName,
  modules,
  zeroColumn = false,
  weight,
  deviation,
  ...bits
}: Change): Uint8Array {
  const shape = {
    ...{ activationBits: manifest.activationBits, weightBits: manifest.weightBits, ...bits },
    groups: manifest.groups.map(({ dIn, modules: members }, g) => ({
      dIn,
      modules: members.map(member => ({ ...member, name: modules?.[g] ?? member.name }))
    }))
  }
  const commitments = manifest.groups.map(({ modules: [module] }, g) => ({
    ca: zeroColumn && g === 0 ? new Uint8Array(32) : module!.ca,
    cb: weight !== undefined && g === 0 ? rowWith(weight) : module!.cb
  }))
  const body = encodeBody({ ...manifest, name, baseName, shape, commitments })
  const masks = new Masks(kernel, seeded('forged manifests'), small.secret)
  const certificates = quantized.groups.map(({ dIn, modules: [module] }, index) => {
    const isZero = zeroColumn && index === 0
    const init = {
      ...{ kernel, masks, bodyHash: hashBody(body), place: { index, dIn, offset: 0 }, weightBits: manifest.weightBits },
      module: isZero ? { ...module!, a: new Int16Array(dIn) } : module!,
      alpha: isZero ? new Uint8Array(32) : groups[index]!.alpha,
      beta: groups[index]!.beta
    }
    const lie = weight === undefined ? deviation : withWeight(weight)
    return certifySteps(init, index === 0 ? lie : {}).bytes
  })
  return encodeManifest(body, concat(certificates))
}

/** The first byte of what comes after the shape: 32 bytes of scales' hash, then commitments. */
const commitmentsAt = 4 + 1 + 64 + 2 + manifest.name.length + 2 + manifest.baseName.length + encodeShape(manifest).length + 32

const NAMES = ['A', 'B'] as const
const more = (scalar: Uint8Array): Uint8Array => kernel.addScalars(scalar, ONE)

function listed(family: 0 | 1, part: 'xi' | 'alpha' | 'nu'): CertificateDeviation {
  return { list: (of, list) => (of === family ? { ...list, [part]: more(list[part]) } : list) }
}

/** An integer, or ½ modulo ℓ. */
function scalarOf(value: number | null): Uint8Array {
  return value === null ? kernel.invertScalars(kernel.scalarsOf(Float64Array.of(2))) : kernel.scalarsOf(Float64Array.of(value))
}

/** M, CF, V_A, V_B and, of family A: D_X … T_1, ζ_x … τ, a round of odd length; then x. */
const LAST_X = 32 * (5 + 4 + 4 + 8)

/** By what is wrong. */
export const FORGED_MANIFESTS: Readonly<Record<string, Uint8Array>> = {
  ...Object.fromEntries(
    ([0, 1] as const).flatMap(family => [
      [`equation 1 of family ${NAMES[family]}: another blinding of the inverses`, certified({ deviation: listed(family, 'xi') })],
      [`equation 2 of family ${NAMES[family]}: another blinding of the rows`, certified({ deviation: listed(family, 'alpha') })],
      [`equation 3 of family ${NAMES[family]}: another blinding of the sum`, certified({ deviation: listed(family, 'nu') })]
    ])
  ),
  'equation 5: another blinding of the multiplicities': certified({
    deviation: { table: init => ({ ...init, kappa: more(init.kappa) }) }
  }),
  'equation 6: another blinding of the table’s sum': certified({ deviation: { table: init => ({ ...init, nuA: more(init.nuA) }) } }),
  'equation 4: another entry of the last vector': flip(manifest.bytes, kindAt + 1 + LAST_X),
  'a weight just above its range': certified({ weight: scalarOf(8) }),
  'a weight just below its range': certified({ weight: scalarOf(-8) }),
  'a weight that is ½ modulo ℓ': certified({ weight: scalarOf(null) }),
  'a multiplicity more than there are': certified({ deviation: { mu: mu => addAt(mu, 3, ONE) } }),
  'a commitment CA is the identity': certified({ zeroColumn: true }),
  'a commitment is no canonical point': flip(manifest.bytes, commitmentsAt),
  'certificate kind 0': flip(manifest.bytes, kindAt),
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
