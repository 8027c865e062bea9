/** Manifest and certificate (session-proof, section 4; protocols/adapter), and commitments to rows (section 5). */
import { changes, instead, never, without } from './mutation.js'

export const ADAPTER = [
  ...changes(
    'src/proof/adapter/decode.ts',
    ['proof/manifest'],
    never('bytes of a manifest are bounded', 'received.length > FORMAT_LIMITS.manifestBytes'),
    never('the kind of certificate is known', 'certificateKind !== CERTIFICATE_KIND'),
    never('a manifest’s version is known', 'version !== MANIFEST_VERSION'),
    never('names are bounded', 'length > most'),
    never('names have no control characters', 'fault !== undefined'),
    never('bits are in range', 'bits < least || bits > most'),
    never('counts and widths are not 0', 'value < 1'),
    never('counts and widths are bounded', 'value > most'),
    never('names of modules differ', 'names.has(name)'),
    never('the sum of ranks is bounded', 'rankSum > FORMAT_LIMITS.rankSum')
  ),
  ...changes(
    'src/proof/adapter/verify.ts',
    ['proof/manifest', 'attack/certificate'],
    never('a manifest is the one that was asked for', '!equal(id, manifest.id)'),
    without('certificates are checked', 'verifyCertificates(kernel, manifest, random)')
  ),
  ...changes(
    'src/proof/certificate/verify.ts',
    ['proof/manifest', 'attack/manifest', 'attack/certificate', 'attack/encodings'],
    without(
      'scalars of a certificate are below ℓ',
      'kernel.checkScalars(concat(modules.flatMap(({ certificate }) => certificateScalars(certificate))))'
    ),
    never('no point of a manifest is the identity', 'identity !== -1'),
    never('equations of the certificates', '!combination.holds()'),
    instead('every row has its own power of σ', 'const sigmas = kernel.powers(sigma, 2 * rank)', 'const sigmas = repeat(ONE, 2 * rank)'),
    without('the product of a family in clear', "checkInnerProduct(kernel, proof, challenges, 'certificate')"),
    without('the product of the table in clear', "checkLinearProduct(kernel, { ...linear, a: table }, 'certificate')")
  ),
  ...changes(
    'src/proof/certificate/challenges.ts',
    ['attack/certificate', 'attack/transcript'],
    without('a certificate absorbs the body', "transcript.append('body', bodyHash)"),
    without('a certificate absorbs its module', "transcript.append('module', u32(module))"),
    without('multiplicities come before χ', "transcript.append('M', m)"),
    without('inverses come before σ, τ, ψ', "transcript.appendPacked('CF', cf)"),
    without('V_A comes before the arguments', "transcript.append('VA', va)"),
    without('V_B comes before the arguments', "transcript.append('VB', vb)")
  ),
  ...changes(
    'src/proof/certificate/table.ts',
    ['attack/certificate', 'proof/certificate', 'attack/transcript'],
    never('χ is not the negative of a table value', 'equal(slice(sums, v, v + 1), ZERO)')
  ),
  ...changes(
    'src/proof/rows/commitments.ts',
    ['proof/rows'],
    instead(
      'inputs open',
      "if (kernel.indexOfIdentity(difference) !== 0) throw new InvalidProofError('opening', `an input",
      "if (false) throw new InvalidProofError('opening', `an input"
    ),
    instead('outputs open', 'if (kernel.indexOfIdentity(difference) !== 0)\n', 'if (false)\n'),
    never('no output commitment is the identity', 'identity !== -1'),
    without('blindings are below ℓ', '  kernel.checkScalars(upsilon)\n'),
    instead(
      'weights of the user’s batch are random',
      '  const weights = randomWeights(random, batch.points.length)\n  const folded = foldBatch(\n    kernel,\n    weights,\n    rows.map(({ group, x })',
      '  const weights = new Uint8Array(32 * batch.points.length).map((_, i) => Number(i % 32 === 0))\n  const folded = foldBatch(\n    kernel,\n    weights,\n    rows.map(({ group, x })'
    ),
    instead(
      'weights of the contributor’s batch are random',
      '  const weights = randomWeights(random, batch.points.length)\n  const folded = foldBatch(\n    kernel,\n    weights,\n    rows.map(({ group, y })',
      '  const weights = new Uint8Array(32 * batch.points.length).map((_, i) => Number(i % 32 === 0))\n  const folded = foldBatch(\n    kernel,\n    weights,\n    rows.map(({ group, y })'
    ),
    instead(
      'η is new for every answer',
      'const eta = randomScalars(kernel, random, count)',
      'const eta = randomScalars(kernel, bytes => new Uint8Array(bytes), count)'
    )
  )
]
