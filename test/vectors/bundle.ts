/** Cases of protocols/bundle. */
import { concat, Cursor, fromHex } from '../../src/bytes.js'

import {
  checkOpening,
  checkOutputs,
  commitInputs,
  commitOutputs,
  decodeContext,
  decodeManifest,
  decodeRowFile,
  encodeContext,
  encodeProofFile,
  encodeRowFile,
  merkleRoot,
  openedRow,
  openRow,
  publicNext,
  publicStart,
  sessionId,
  signTail,
  sumCommitments,
  verify,
  verifyBundles,
  verifyManifest,
  verifyProofFile,
  type CommittedAdapter,
  type PublicRow,
  type SessionContext,
  type TailRole,
  type VerifiedManifest
} from '../../src/proof/index.js'
import { encodePattern, readPattern, type Place } from '../../src/proof/bundle/pattern.js'
import { bundleTranscript, challengesOf } from '../../src/proof/bundle/challenges.js'
import { encodeTail } from '../../src/proof/rows/tail.js'
import { nobleKernel } from '../../src/kernel/index.js'
import { hiddenRow, outputRow, seeded, type KnownRow } from '../proof/fixture.js'
import { proveSteps } from '../proof/steps.js'
import { changed, commitmentOf, type Change, type Registration } from './adapter.js'
import { fixedRandom } from './case.js'

type Hex = string

const kernel = nobleKernel()

/** Each manifest is verified once: it takes the reference seconds. */
const manifests = new Map<Hex, VerifiedManifest>()

function verifiedOf(manifest: Hex): VerifiedManifest {
  const known =
    manifests.get(manifest) ?? verifyManifest({ kernel, manifest: decodeManifest(fromHex(manifest)), random: seeded('vectors') })
  manifests.set(manifest, known)
  return known
}

/** A context in JSON; numbers of 64 bits are text. */
export interface JsonContext extends Omit<
  Record<keyof SessionContext, Hex>,
  'activationBits' | 'weightBits' | 'rows' | 'groups' | 'delegation'
> {
  activationBits: number
  weightBits: number
  rows: number
  groups: number[]
  delegation?: { expiry: string; share: string; signature: Hex }
}

export interface JsonRow {
  number: number
  group: number
  position: number
  x: number[]
  /** η, below ℓ. */
  eta: Hex
}

export interface JsonTail {
  role: TailRole
  seed: Hex
  session: Hex
  rows: number
  accepted: number
  closed: boolean
  publicHash: Hex
  privateHash: Hex
}

/** A bundle's inputs: everything that a prover needs. */
export interface BundleInput {
  registration: Registration
  context: JsonContext
  rows: JsonRow[]
  publicAtStart?: Hex
  user: Pick<JsonTail, 'seed' | 'rows' | 'closed' | 'privateHash'>
  contributor: Pick<JsonTail, 'seed' | 'rows' | 'closed' | 'privateHash'>
  /** 32 bytes from the system's generator, under all masks of the proof. */
  fresh: Hex
}

export function contextOf({ delegation, ...json }: JsonContext): SessionContext {
  return {
    userNonce: fromHex(json.userNonce),
    contributorNonce: fromHex(json.contributorNonce),
    userKey: fromHex(json.userKey),
    contributorKey: fromHex(json.contributorKey),
    adapter: fromHex(json.adapter),
    base: fromHex(json.base),
    started: BigInt(json.started),
    activationBits: json.activationBits,
    weightBits: json.weightBits,
    rows: json.rows,
    groups: json.groups,
    ...(delegation === undefined
      ? {}
      : {
          delegation: {
            expiry: BigInt(delegation.expiry),
            share: BigInt(delegation.share),
            signature: fromHex(delegation.signature)
          }
        })
  }
}

function rowOf(adapter: CommittedAdapter, { number, group, position, x, eta }: JsonRow): KnownRow {
  const shape = adapter.quantized.groups[group]!
  const input = Int16Array.from(x)
  const h = hiddenRow(shape, input)
  const xCommitment = commitInputs(kernel, shape, input)
  // 64 bytes that reduce to η.
  const random = fixedRandom(concat([fromHex(eta), new Uint8Array(32)]))
  const { cy, upsilon } = commitOutputs({ kernel, adapter, group, h, random })
  const y = outputRow(shape, h)
  const outputs = { group: adapter.manifest.groups[group]!, y, upsilon }
  checkOutputs({ kernel, random: seeded('vectors'), firstRow: number, rows: [outputs], commitments: cy })
  return { number, group, position, x: input, xCommitment, eta: fromHex(eta), upsilon, y, s: sumCommitments(kernel, xCommitment, cy) }
}

function publicRow({ number, group, position, s }: { number: number; group: number; position: number; s: Hex }): PublicRow {
  return { number, group, position, s: fromHex(s) }
}

function sessionOf(input: BundleInput) {
  const adapter = commitmentOf(input.registration)
  const context = contextOf(input.context)
  const session = sessionId(context)
  const rows = input.rows.map(row => rowOf(adapter, row))
  const hashes = [input.publicAtStart === undefined ? publicStart(session) : fromHex(input.publicAtStart)]
  for (const row of rows) hashes.push(publicNext(hashes.at(-1)!, row))
  const accepted = rows.at(-1)!.number + 1
  const tail = (role: TailRole) => {
    const { seed, privateHash, ...rest } = input[role]
    const body = { ...rest, accepted, publicHash: hashes.at(-1)!, privateHash: fromHex(privateHash) }
    return signTail({ secretKey: fromHex(seed), role, session, tail: body })
  }
  const init = { kernel, adapter, context, rows, publicAtStart: hashes[0], userTail: tail('user'), contributorTail: tail('contributor') }
  return { ...init, session, hashes }
}

export const BUNDLE = {
  context: (input: JsonContext) => ({ context: encodeContext(contextOf(input)), session: sessionId(contextOf(input)) }),
  contextBytes: ({ bytes }: { bytes: Hex }) => decodeContext(fromHex(bytes)),
  publicHash: ({ session, rows }: { session: Hex; rows: Parameters<typeof publicRow>[0][] }) => {
    const hashes = [publicStart(fromHex(session))]
    for (const row of rows) hashes.push(publicNext(hashes.at(-1)!, publicRow(row)))
    return hashes
  },
  tail: ({ role, seed, session, publicHash, privateHash, ...counts }: JsonTail) => {
    const tail = { ...counts, publicHash: fromHex(publicHash), privateHash: fromHex(privateHash) }
    return encodeTail(signTail({ secretKey: fromHex(seed), role, session: fromHex(session), tail }))
  },
  pattern: ({ rows }: { rows: [group: number, position: number][] }) =>
    encodePattern(rows.map(([group, position]): Place => ({ group, position }))),
  patternBytes: ({ bytes, rows, groups }: { bytes: Hex; rows: number; groups: number[] }) => {
    const cursor = new Cursor(fromHex(bytes), 'the pattern')
    const places = readPattern(cursor, rows, groups)
    cursor.end()
    return places.map(({ group, position }) => [group, position])
  },
  bundle: (input: BundleInput) => {
    const session = sessionOf(input)
    const steps = proveSteps({ ...session, random: fixedRandom(fromHex(input.fresh)) })
    const manifest = verifyManifest({ kernel, manifest: session.adapter.manifest, random: seeded('vectors') })
    verify({ kernel, manifest, bundle: steps.bundle, random: seeded('vectors') })
    const { statement, proof, folded, committed, nu, pair } = steps
    return {
      session: session.session,
      rows: session.rows.map(({ xCommitment, y, upsilon, s }) => ({ X: xCommitment, y, upsilon, S: s })),
      publicHashes: session.hashes,
      userTail: encodeTail(session.userTail),
      contributorTail: encodeTail(session.contributorTail),
      pattern: encodePattern(session.rows),
      challenges: challengesOf(bundleTranscript(kernel), statement, proof),
      xBar: folded.xBar,
      etaBar: folded.etaBar,
      h: folded.h,
      omega: committed.omega,
      pi: committed.pi,
      nu,
      foldedPair: pair,
      proof,
      bundle: steps.bundle,
      digest: steps.digest,
      root: steps.root
    }
  },
  bundleBytes: ({ manifest, bundle, change }: { manifest: Hex; bundle: Hex; change: Change }) => {
    const verified = verifiedOf(manifest)
    return { root: verify({ kernel, manifest: verified, bundle: changed(fromHex(bundle), change), random: seeded('vectors') }).root }
  },
  merkleRoot: ({ session, rows }: { session: Hex; rows: Parameters<typeof publicRow>[0][] }) =>
    merkleRoot(fromHex(session), rows.map(publicRow)),
  opening: ({ bundle, number }: { bundle: BundleInput; number: number }) => {
    const init = sessionOf(bundle)
    const { session, rows, adapter } = init
    const row = rows.find(candidate => candidate.number === number)!
    const manifest = verifyManifest({ kernel, manifest: adapter.manifest, random: seeded('vectors') })
    const proved = proveSteps({ ...init, random: fixedRandom(fromHex(bundle.fresh)) })
    const proof = verify({ kernel, manifest, bundle: proved.bundle, random: seeded('vectors') })
    const opening = openRow({ ...row, session, rows })
    checkOpening({ kernel, manifest, proof, opening })
    return { root: proof.root, opening }
  },
  openingBytes: ({ manifest, bundle, opening, change }: { manifest: Hex; bundle: Hex; opening: Hex; change: Change }) => {
    const verified = verifiedOf(manifest)
    const proof = verify({ kernel, manifest: verified, bundle: fromHex(bundle), random: seeded('vectors') })
    return checkOpening({ kernel, manifest: verified, proof, opening: changed(fromHex(opening), change) })
  },
  proofFile: ({ manifest, bundles }: { manifest: Hex; bundles: Hex[] }) => {
    const file = encodeProofFile({ manifest: fromHex(manifest), bundles: bundles.map(fromHex) })
    const { proofs, whole } = verifyProofFile({ kernel, file, random: seeded('vectors') })
    return { file, ranges: proofs.map(({ start, end }) => [start, end]), whole }
  },
  rowFile: ({ manifest, bundles, opening, change }: { manifest: Hex; bundles: Hex[]; opening: Hex; change: Change }) => {
    const proofFile = encodeProofFile({ manifest: fromHex(manifest), bundles: bundles.map(fromHex) })
    const file = changed(encodeRowFile({ opening: fromHex(opening), proofFile }), change)
    const decoded = decodeRowFile(file)
    const random = seeded('vectors')
    const verified = verifyManifest({ kernel, manifest: decodeManifest(decoded.manifest), random })
    const { number, x, y } = openedRow(
      kernel,
      verifyBundles({ kernel, manifest: verified, bundles: decoded.bundles, random }),
      decoded.opening
    )
    return { file, number, x, y }
  }
}
