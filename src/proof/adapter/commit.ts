/** From integers to commitments: the contributor makes a manifest, and later restores what belongs to it. */
import { concat, equal, utf8 } from '../../bytes.js'
import { InvalidInputError, LimitExceededError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedAdapter, QuantizedGroup, QuantizedModule } from '../../lora/types.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { Combination, type Term } from '../combination.js'
import { commitBlinded } from '../hiding.js'
import { POINT_BYTES, randomWeights } from '../scalars.js'
import { Masks } from '../transcript.js'
import type { CommittedAdapter, CommittedGroup, Manifest, Random } from '../types.js'
import { blindingsOf, contentDigest, hashScales, scalesOf } from './content.js'
import { decodeManifest, nameFault, openingBytes } from './decode.js'
import { encodeBody, encodeManifest, encodeShape, hashBody } from './encode.js'
import { proveOpenings } from './openings.js'

export interface CommitAdapterInit {
  readonly kernel: Kernel
  readonly adapter: QuantizedAdapter
  /** Base model identifier. */
  readonly base: Uint8Array
  /** Display name, 1 to 128 bytes of UTF-8. */
  readonly name: string
  /** The owner's Ed25519 public key. */
  readonly ownerKey: Uint8Array
  /** 32 random bytes, new for each registration; kept with the adapter. */
  readonly secret: Uint8Array
  /** 32 random bytes under the scales' hash. */
  readonly salt: Uint8Array
  readonly random: Random
  /** Modules done, out of how many, twice for each: committed, then opened. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A module with its place in the manifest. */
interface Placed {
  readonly module: QuantizedModule
  readonly group: QuantizedGroup
  readonly index: number
  readonly offset: number
}

function place(adapter: QuantizedAdapter): Placed[] {
  const placed: Placed[] = []
  for (const group of adapter.groups) {
    let offset = 0
    for (const module of group.modules) {
      placed.push({ module, group, index: placed.length, offset })
      offset += module.dOut
    }
  }
  return placed
}

interface Blindings {
  readonly alpha: Uint8Array
  readonly beta: Uint8Array
}

function drawBlindings(kernel: Kernel, keys: { secret: Uint8Array; content: Uint8Array }, placed: readonly Placed[]): Blindings[] {
  return placed.map(({ module, index }) => ({
    alpha: blindingsOf(kernel, keys, { matrix: 'A', module: index, rank: module.rank }),
    beta: blindingsOf(kernel, keys, { matrix: 'B', module: index, rank: module.rank })
  }))
}

/**
 * Commits to an adapter and makes its manifest.
 * @throws InvalidInputError for a name that a manifest cannot hold, LimitExceededError for an adapter beyond FORMAT_LIMITS
 */
export function commitAdapter(init: CommitAdapterInit): CommittedAdapter {
  const { kernel, adapter, base, secret, salt, random, onProgress = () => {} } = init
  checkName('name', init.name, FORMAT_LIMITS.adapterNameBytes)
  checkName('base model name', adapter.baseModelName, FORMAT_LIMITS.nameBytes)
  const placed = place(adapter)
  checkSize(placed)
  const content = contentDigest(base, adapter)
  const blindings = drawBlindings(kernel, { secret, content }, placed)
  const commitments = placed.map(({ module, group, index, offset }) => {
    const { a, b, rank, dOut } = module
    const { alpha, beta } = blindings[index]!
    const ca = commitBlinded(kernel, { bases: kernel.generators('G', 0, group.dIn), rows: a, count: rank, blinding: alpha })
    const cb = commitBlinded(kernel, { bases: kernel.generators('K', offset, dOut), rows: b, count: rank, blinding: beta })
    onProgress(index + 1, 2 * placed.length)
    return { ca: kernel.encode(ca), cb: kernel.encode(cb) }
  })
  const body = encodeBody({
    owner: init.ownerKey,
    base,
    name: init.name,
    baseName: adapter.baseModelName,
    shape: adapter,
    scalesHash: hashScales(salt, scalesOf(adapter)),
    commitments
  })
  const masks = new Masks(kernel, random, secret)
  const bodyHash = hashBody(body)
  const certificates = placed.map(({ module, group, index, offset }) => {
    const certificate = proveOpenings({ kernel, masks, bodyHash, module, place: { index, dIn: group.dIn, offset }, ...blindings[index]! })
    onProgress(placed.length + index + 1, 2 * placed.length)
    return certificate
  })
  const manifest = decodeManifest(encodeManifest(body, concat(certificates)))
  return { manifest, quantized: adapter, groups: groupsOf(kernel, manifest, blindings), secret, salt, content }
}

/** Before anything is computed: proofs of openings grow with the widths, so that wide adapters do not fit into a manifest. */
function checkSize(placed: readonly Placed[]): void {
  const bytes = placed.reduce((sum, { module, group }) => sum + 2 * module.rank * POINT_BYTES + openingBytes(group.dIn, module.dOut), 0)
  if (bytes <= FORMAT_LIMITS.manifestBytes) return
  const remedy = 'in a manifest with proofs of openings (certificate kind 0); train it on fewer target modules'
  throw new LimitExceededError('bytes of commitments and certificates', bytes, FORMAT_LIMITS.manifestBytes, remedy)
}

function checkName(what: string, name: string, most: number): void {
  const fault = nameFault(name, utf8(name).length, most)
  if (fault !== undefined) throw new InvalidInputError(`the adapter's ${what} ${JSON.stringify(name.slice(0, most))} ${fault}`)
}

function groupsOf(kernel: Kernel, manifest: Manifest, blindings: readonly Blindings[]): CommittedGroup[] {
  return manifest.groups.map(({ modules }) => ({
    cb: kernel.decode(concat(modules.map(({ cb }) => cb))),
    alpha: concat(modules.map(({ index }) => blindings[index]!.alpha)),
    beta: concat(modules.map(({ index }) => blindings[index]!.beta))
  }))
}

export interface RestoreAdapterInit {
  readonly kernel: Kernel
  readonly adapter: QuantizedAdapter
  readonly manifestBytes: Uint8Array
  readonly secret: Uint8Array
  readonly salt: Uint8Array
  readonly random: Random
}

/**
 * Makes the blindings of a registered adapter anew and checks that weights, secret and salt are those of the manifest: shape and scales
 * by their bytes, all commitments by one random combination. The certificates are not verified again.
 * @throws MalformedMessageError, LimitExceededError for the manifest; InvalidInputError when something does not fit it
 */
export function restoreAdapter({ kernel, adapter, manifestBytes, secret, salt, random }: RestoreAdapterInit): CommittedAdapter {
  const manifest = decodeManifest(manifestBytes)
  if (!equal(encodeShape(adapter), encodeShape(manifest))) throw misfit('modules or bits')
  if (!equal(hashScales(salt, scalesOf(adapter)), manifest.scalesHash)) throw misfit('scales or salt')
  const content = contentDigest(manifest.base, adapter)
  const placed = place(adapter)
  const blindings = drawBlindings(kernel, { secret, content }, placed)
  if (!opensManifest({ kernel, random, manifest, placed, blindings })) throw misfit('weights or secret')
  return { manifest, quantized: adapter, groups: groupsOf(kernel, manifest, blindings), secret, salt, content }
}

/** Whether all commitments of the manifest are to these weights with these blindings, by one random combination. */
function opensManifest(init: {
  kernel: Kernel
  random: Random
  manifest: Manifest
  placed: readonly Placed[]
  blindings: readonly Blindings[]
}): boolean {
  const { kernel, random, manifest, placed, blindings } = init
  const combination = new Combination(kernel, random)
  const modules = manifest.groups.flatMap(group => group.modules)
  for (const { module, group, index, offset } of placed) {
    const weights = randomWeights(random, module.rank)
    const { alpha, beta } = blindings[index]!
    const opens = (encodings: Uint8Array, generators: Term, blinding: Uint8Array): void =>
      combination.equation(
        [{ basis: combination.basis(kernel.decode(encodings)), from: 0, scalars: weights }],
        [generators, combination.generators('H', kernel.innerProduct(weights, blinding))]
      )
    opens(modules[index]!.ca, combination.generators('G', kernel.foldRows(weights, module.a, group.dIn)), alpha)
    opens(modules[index]!.cb, combination.generators('K', kernel.foldRows(weights, module.b, module.dOut), offset), beta)
  }
  return combination.holds()
}

function misfit(what: string): InvalidInputError {
  return new InvalidInputError(`the adapter's ${what} are not those of its manifest; register it again`)
}
