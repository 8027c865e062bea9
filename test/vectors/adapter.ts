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
  signDelegation,
  verifyDelegation,
  verifyManifest,
  type BaseModelDescription,
  type CommittedAdapter
} from '../../src/proof/index.js'
import { readBaseModelDescription } from '../../src/model/index.js'
import { hashScales } from '../../src/proof/adapter/content.js'
import { InvalidProofError } from '../../src/errors.js'
import { nobleKernel } from '../../src/kernel/index.js'
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

export function commitmentOf(input: Registration, kernel: Kernel = noble): CommittedAdapter {
  return commitAdapter({
    kernel,
    adapter: quantizedOf(input.adapter),
    base: fromHex(input.base),
    name: input.name,
    ownerKey: publicKeyOf(fromHex(input.ownerSeed)),
    secret: fromHex(input.secret),
    salt: fromHex(input.salt),
    random: fixedRandom(fromHex(input.fresh))
  })
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

export const ADAPTER = {
  baseModelFiles: ({ folder, name }: { folder: string; name?: string }) => baseModelId(readBaseModelDescription(folder, name)),
  baseModel: (input: BaseModelDescription) => baseModelId(input),
  scales: ({ salt, scales }: { salt: Hex; scales: number[] }) => hashScales(fromHex(salt), Float64Array.from(scales)),
  content: ({ base, adapter }: { base: Hex; adapter: JsonAdapter }) => contentDigest(fromHex(base), quantizedOf(adapter)),
  manifest: (input: Registration) => {
    const { manifest, groups, content } = commitmentOf(input)
    const verified = verifyManifest({ kernel: noble, manifest, random: seeded('vectors') })
    checkScales(manifest, fromHex(input.salt), Float64Array.from(input.adapter.groups.flatMap(({ modules }) => modules.map(m => m.scale))))
    return {
      content,
      blindings: groups.map(({ alpha, beta }) => ({ alpha, beta })),
      commitments: manifest.groups.flatMap(({ modules }) => modules.map(({ ca, cb }) => ({ ca, cb }))),
      bodyHash: manifest.bodyHash,
      certificates: manifest.certificates,
      manifest: manifest.bytes,
      identifier: manifest.id,
      rangeProved: verified.rangeProved
    }
  },
  manifestBytes: ({ manifest, change }: { manifest: Hex; change: Change }) => {
    const { id } = verifyManifest({
      kernel: noble,
      manifest: decodeManifest(changed(fromHex(manifest), change)),
      random: seeded('vectors')
    })
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
