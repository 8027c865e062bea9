/** Cases of protocols/adapter. */
import { fromHex } from '../../src/bytes.js'

import type { QuantizedAdapter } from '../../src/lora/types.js'
import {
  baseModelId,
  checkScales,
  commitAdapter,
  contentDigest,
  decodeDelegation,
  decodeManifest,
  encodeDelegation,
  publicKeyOf,
  restoreAdapter,
  signDelegation,
  verifyDelegation,
  verifyManifest,
  type BaseModelDescription,
  type CommittedAdapter,
  type Manifest
} from '../../src/proof/index.js'
import { readBaseModelDescription } from '../../src/model/index.js'
import { place } from '../../src/proof/adapter/place.js'
import { certificateChallenges, certificateTranscript } from '../../src/proof/certificate/challenges.js'
import type { CertifyInit } from '../../src/proof/certificate/prove.js'
import { Masks } from '../../src/proof/transcript.js'
import { certifySteps } from '../proof/certificate-steps.js'
import { hashScales } from '../../src/proof/adapter/content.js'
import { InvalidProofError } from '../../src/errors.js'
import { nobleKernel, wasmKernel } from '../../src/kernel/index.js'
import type { Kernel } from '../../src/kernel/types.js'
import { seeded } from '../proof/fixture.js'
import { fixedRandom } from './case.js'

type Hex = string

/** The reference, whatever other tests run on. */
const noble = nobleKernel()

/** A quantised adapter in JSON. */
export interface JsonAdapter {
  baseModelName: string
  activationBits: number
  weightBits: number
  groups: { dIn: number; modules: { name: string; dOut: number; rank: number; a: number[]; b: number[]; scale: number }[] }[]
}

/** What a manifest is made from. */
export interface Registration {
  name: string
  base: Hex
  ownerSeed: Hex
  secret: Hex
  salt: Hex
  /** 32 bytes from the system's generator, under all masks of the certificates. */
  fresh: Hex
  adapter: JsonAdapter
}

export function quantizedOf({ groups, ...rest }: JsonAdapter): QuantizedAdapter {
  return {
    ...rest,
    groups: groups.map(({ dIn, modules }) => ({
      dIn,
      modules: modules.map(({ a, b, ...module }) => ({ ...module, a: Int16Array.from(a), b: Int16Array.from(b) }))
    }))
  }
}

/** A table of more entries takes the reference many seconds for each module. */
const MOST_BITS_OF_REFERENCE = 4
/** By what they were made from: bundles of one adapter need it again and again. */
const manifests = new Map<string, Uint8Array>()

function manifestBytes(input: Registration, kernel: Kernel): Uint8Array {
  const key = JSON.stringify(input)
  const bytes =
    manifests.get(key) ??
    commitAdapter({
      kernel: input.adapter.weightBits <= MOST_BITS_OF_REFERENCE ? kernel : wasmKernel(),
      adapter: quantizedOf(input.adapter),
      base: fromHex(input.base),
      name: input.name,
      ownerKey: publicKeyOf(fromHex(input.ownerSeed)),
      secret: fromHex(input.secret),
      salt: fromHex(input.salt),
      random: fixedRandom(fromHex(input.fresh))
    }).manifest.bytes
  manifests.set(key, bytes)
  return bytes
}

export function commitmentOf(input: Registration, kernel: Kernel = noble): CommittedAdapter {
  return restoreAdapter({
    kernel,
    adapter: quantizedOf(input.adapter),
    manifestBytes: manifestBytes(input, kernel),
    secret: fromHex(input.secret),
    salt: fromHex(input.salt),
    random: seeded('restored')
  })
}

/** What a module's certificate is made from. */
export interface CertificateInput {
  registration: Registration
  /** Index over all groups. */
  module: number
}

/** What the prover of a module's certificate gets. */
export function certifyInit({ registration, module }: CertificateInput, kernel: Kernel): CertifyInit {
  const { manifest, quantized, groups } = commitmentOf(registration, kernel)
  const placed = place(quantized)[module]!
  const group = manifest.groups.findIndex(({ modules }) => modules.some(({ index }) => index === module))
  const before = manifest.groups[group]!.modules.filter(({ index }) => index < module).reduce((sum, { rank }) => sum + rank, 0)
  const own = (scalars: Uint8Array): Uint8Array => scalars.subarray(32 * before, 32 * (before + placed.module.rank))
  return {
    ...{ kernel, bodyHash: manifest.bodyHash, module: placed.module, weightBits: manifest.weightBits, place: placed },
    masks: new Masks(kernel, () => fromHex(registration.fresh), fromHex(registration.secret)),
    alpha: own(groups[group]!.alpha),
    beta: own(groups[group]!.beta)
  }
}

/** Bytes changed at one place: XORed, cut off, or with more behind. */
export interface Change {
  xor?: [at: number, mask: number]
  cut?: number
  append?: Hex
}

export function changed(bytes: Uint8Array, { xor, cut, append = '' }: Change): Uint8Array {
  const out = Uint8Array.from([...bytes.subarray(0, cut ?? bytes.length), ...fromHex(append)])
  if (xor !== undefined) out[xor[0]]! ^= xor[1]
  return out
}

/** The reference, where it takes seconds at most. */
function verifier({ weightBits }: Manifest): Kernel {
  return weightBits <= MOST_BITS_OF_REFERENCE ? noble : wasmKernel()
}

export const ADAPTER = {
  baseModelFiles: ({ folder, name }: { folder: string; name?: string }) => baseModelId(readBaseModelDescription(folder, name)),
  baseModel: (input: BaseModelDescription) => baseModelId(input),
  scales: ({ salt, scales }: { salt: Hex; scales: number[] }) => hashScales(fromHex(salt), Float64Array.from(scales)),
  content: ({ base, adapter }: { base: Hex; adapter: JsonAdapter }) => contentDigest(fromHex(base), quantizedOf(adapter)),
  manifest: (input: Registration) => {
    const { manifest, groups, content } = commitmentOf(input)
    verifyManifest({ kernel: verifier(manifest), manifest, random: seeded('vectors') })
    checkScales(manifest, fromHex(input.salt), Float64Array.from(input.adapter.groups.flatMap(({ modules }) => modules.map(m => m.scale))))
    return {
      content,
      blindings: groups.map(({ alpha, beta }) => ({ alpha, beta })),
      commitments: manifest.groups.flatMap(({ modules }) => modules.map(({ ca, cb }) => ({ ca, cb }))),
      bodyHash: manifest.bodyHash,
      certificates: manifest.certificates,
      manifest: manifest.bytes,
      identifier: manifest.id
    }
  },
  certificate: (input: CertificateInput) => {
    const init = certifyInit(input, input.registration.adapter.weightBits <= MOST_BITS_OF_REFERENCE ? noble : wasmKernel())
    const { kernel, bodyHash, place: placed } = init
    const { counts, certificate, bytes, partners: table, ...values } = certifySteps(init)
    const { familyA, familyB, table: last } = certificateChallenges(certificateTranscript(kernel, bodyHash, placed.index), certificate)
    const chosen = [...counts.entries()].filter(([, count]) => count > 0)
    return {
      multiplicities: chosen,
      ...values,
      partners: table.subarray(0, 4 * 32),
      m: certificate.m,
      cf: certificate.cf,
      va: certificate.va,
      vb: certificate.vb,
      challengesA: familyA,
      challengesB: familyB,
      challengesTable: last,
      certificate: bytes
    }
  },
  manifestBytes: ({ manifest, change }: { manifest: Hex; change: Change }) => {
    const decoded = decodeManifest(changed(fromHex(manifest), change))
    const { id } = verifyManifest({ kernel: verifier(decoded), manifest: decoded, random: seeded('vectors') })
    return { identifier: id }
  },
  delegation: ({ ownerSeed, adapter, key, expiry, share }: { ownerSeed: Hex; adapter: Hex; key: Hex; expiry: string; share: string }) =>
    encodeDelegation(
      signDelegation(fromHex(ownerSeed), { adapter: fromHex(adapter), key: fromHex(key), expiry: BigInt(expiry), share: BigInt(share) })
    ),
  delegationBytes: ({ owner, adapter, key, delegation }: { owner: Hex; adapter: Hex; key: Hex; delegation: Hex }) => {
    const decoded = decodeDelegation(fromHex(delegation))
    if (!verifyDelegation(fromHex(owner), fromHex(adapter), fromHex(key), decoded)) throw new InvalidProofError('delegation', 'not signed')
    return { expiry: decoded.expiry, share: decoded.share }
  }
}
