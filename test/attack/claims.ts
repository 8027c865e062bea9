/** What the attack tests share: a small adapter, and what the verifier says of a bundle. */
import { isPeerError, InvalidProofError } from '../../src/errors.js'
import { verify, type VerifiedManifest } from '../../src/proof/index.js'
import { bundleTranscript } from '../../src/proof/bundle/challenges.js'
import { equationsHold, open, prepare } from '../../src/proof/bundle/verify.js'
import type { Transcript } from '../../src/proof/transcript.js'
import { kernel, seeded, type GroupShape } from '../proof/fixture.js'

/** Two groups of one shape, so that rows could change places without a length giving them away; one odd halving. */
export const TWINS: readonly GroupShape[] = [
  { dIn: 10, modules: [{ dOut: 3, rank: 2 }] },
  { dIn: 10, modules: [{ dOut: 3, rank: 2 }] }
]

/** One group, one module, one halving of odd length: the smallest bundle that has every part but the pair rounds. */
export const TINY: readonly GroupShape[] = [{ dIn: 9, modules: [{ dOut: 3, rank: 1 }] }]

/** No halving: equation 7 has no challenge in it, and what is wrong anywhere else must be found by equations 1 to 6. */
export const FLAT: readonly GroupShape[] = [
  { dIn: 8, modules: [{ dOut: 3, rank: 2 }] },
  { dIn: 5, modules: [{ dOut: 3, rank: 1 }] }
]

/** `accepted`, or the error: its name, and the step of an InvalidProofError. */
export function outcome(work: () => unknown): string {
  try {
    work()
    return 'accepted'
  } catch (error) {
    if (!isPeerError(error)) throw error
    return error instanceof InvalidProofError ? error.step : error.name
  }
}

export function verdict(manifest: VerifiedManifest, bundle: Uint8Array): string {
  return outcome(() => verify({ kernel, manifest, bundle, random: seeded('attacked verifier') }))
}

/** The verdict of a verifier that absorbs in another order, or draws its weights from another source. */
export function weakenedVerdict(
  manifest: VerifiedManifest,
  bundle: Uint8Array,
  {
    transcript = bundleTranscript(kernel),
    random = seeded('weakened verifier')
  }: { transcript?: Transcript; random?: (bytes: number) => Uint8Array }
): string {
  return outcome(() => {
    if (!equationsHold(kernel, random, [prepare(kernel, open(kernel, { manifest, bundle }), transcript)]))
      throw new InvalidProofError('equations', '')
  })
}

/** Weights of a verifier that leaves one equation of a single bundle out: nothing times it. @param left 1 to 6, as in protocols/bundle */
export function withoutEquation(left: number): (bytes: number) => Uint8Array {
  const random = seeded('without an equation')
  let drawn = 0
  return bytes => (++drawn === left ? new Uint8Array(bytes) : random(bytes))
}
