/**
 * Certificate kind 0, prover and verifier side by side (protocols/adapter, Certificates): every CA opens over exactly G_0 … G_(d_in−1),
 * every CB over exactly its module's block of K. It does not show that weights lie in their range.
 */
import { concat, u32 } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedModule } from '../../lora/types.js'
import { Combination } from '../combination.js'
import { hide } from '../hiding.js'
import { LABELS } from '../labels.js'
import { lengthOf, ONE, POINT_BYTES, slice } from '../scalars.js'
import { Masks, Transcript } from '../transcript.js'
import type { Manifest, ManifestGroup, ManifestModule, Random } from '../types.js'
import { openingBytes } from './decode.js'

function start(kernel: Kernel, bodyHash: Uint8Array, module: number): Transcript {
  const transcript = new Transcript(kernel, LABELS.openings, 'openings')
  transcript.append('body', bodyHash)
  transcript.append('module', u32(module))
  return transcript
}

/** c, c², … for the rank's columns, after both first messages. */
function challenge(transcript: Transcript, kernel: Kernel, { da, db, rank }: { da: Uint8Array; db: Uint8Array; rank: number }): Uint8Array {
  transcript.append('DA', da)
  transcript.append('DB', db)
  return slice(kernel.powers(transcript.challenge('c'), rank + 1), 1)
}

export interface OpeningsInit {
  readonly kernel: Kernel
  readonly masks: Masks
  readonly bodyHash: Uint8Array
  readonly module: QuantizedModule
  /** Its index over all groups, its group's width, and the first index of its block of K. */
  readonly place: { readonly index: number; readonly dIn: number; readonly offset: number }
  readonly alpha: Uint8Array
  readonly beta: Uint8Array
}

/** One module's certificate. */
export function proveOpenings({ kernel, masks, bodyHash, module, place, alpha, beta }: OpeningsInit): Uint8Array {
  const { a, b, rank, dOut } = module
  const transcript = start(kernel, bodyHash, place.index)
  const mask = masks.at(transcript)
  const [dA, deltaA] = [mask('dA', place.dIn), mask('deltaA')]
  const [dB, deltaB] = [mask('dB', dOut), mask('deltaB')]
  const da = kernel.encode(hide(kernel, { scalars: dA, bases: kernel.generators('G', 0, place.dIn), blinding: deltaA }))
  const db = kernel.encode(hide(kernel, { scalars: dB, bases: kernel.generators('K', place.offset, dOut), blinding: deltaB }))
  const c = challenge(transcript, kernel, { da, db, rank })
  return concat([
    da,
    db,
    kernel.addScalars(dA, kernel.foldRows(c, a, place.dIn)),
    kernel.addScalars(deltaA, kernel.innerProduct(c, alpha)),
    kernel.addScalars(dB, kernel.foldRows(c, b, dOut)),
    kernel.addScalars(deltaB, kernel.innerProduct(c, beta))
  ])
}

/** A certificate's bytes, taken apart. */
function split(certificate: Uint8Array, dIn: number) {
  const scalars = certificate.subarray(2 * POINT_BYTES)
  return {
    da: slice(certificate, 0, 1),
    db: slice(certificate, 1, 2),
    zA: slice(scalars, 0, dIn),
    zetaA: slice(scalars, dIn, dIn + 1),
    zB: slice(scalars, dIn + 1, lengthOf(scalars) - 1),
    zetaB: slice(scalars, lengthOf(scalars) - 1)
  }
}

/**
 * Checks all modules' certificates in one multi-scalar multiplication.
 * @throws MalformedMessageError for encodings that are not canonical; InvalidProofError('manifest') for an identity point,
 * InvalidProofError('openings') when a challenge is zero or an equation does not hold
 */
export function verifyOpenings(kernel: Kernel, manifest: Manifest, random: Random): void {
  const combination = new Combination(kernel, random)
  const modules = manifest.groups.flatMap(group => group.modules.map(module => ({ group, module })))
  const certificates = splitAll(manifest.certificates, modules)
  kernel.checkScalars(concat(certificates.flatMap(({ zA, zetaA, zB, zetaB }) => [zA, zetaA, zB, zetaB])))
  const points = kernel.decode(concat(modules.flatMap(({ module }, m) => [module.ca, module.cb, certificates[m]!.da, certificates[m]!.db])))
  const identity = kernel.indexOfIdentity(points)
  if (identity !== -1) throw new InvalidProofError('manifest', `point ${identity} is the identity`)

  const own = combination.basis(points)
  let at = 0
  modules.forEach(({ module }, m) => {
    const { rank, index, offset } = module
    const { da, db, zA, zetaA, zB, zetaB } = certificates[m]!
    const c = challenge(start(kernel, manifest.bodyHash, index), kernel, { da, db, rank })
    const [ca, cb, dA, dB] = [at, at + rank, at + 2 * rank, at + 2 * rank + 1]
    at += 2 * rank + 2
    // ⟨z_A, G⟩ + ζ_A H = D_A + Σ_k c^(k+1) CA_k
    combination.equation(
      [combination.generators('G', zA), combination.generators('H', zetaA)],
      [
        { basis: own, from: dA, scalars: ONE },
        { basis: own, from: ca, scalars: c }
      ]
    )
    // ⟨z_B, block of K⟩ + ζ_B H = D_B + Σ_k c^(k+1) CB_k
    combination.equation(
      [combination.generators('K', zB, offset), combination.generators('H', zetaB)],
      [
        { basis: own, from: dB, scalars: ONE },
        { basis: own, from: cb, scalars: c }
      ]
    )
  })
  if (!combination.holds()) throw new InvalidProofError('openings', 'the commitments do not open over their generators')
}

function splitAll(bytes: Uint8Array, modules: readonly { group: ManifestGroup; module: ManifestModule }[]) {
  let at = 0
  return modules.map(({ group, module }) => {
    const from = at
    at += openingBytes(group.dIn, module.dOut)
    return split(bytes.subarray(from, at), group.dIn)
  })
}
