/** The shapes that are measured, with random weights and activations: made, not stored. */
import type { QuantizedAdapter, QuantizedGroup } from '../../../src/lora/index.js'
import {
  commitModule,
  type CommittedAdapter,
  contentDigest,
  publicKeyOf,
  restoreAdapter,
  type VerifiedManifest
} from '../../../src/proof/index.js'
import { hashScales, scalesOf } from '../../../src/proof/adapter/content.js'
import { encodeBody, encodeManifest } from '../../../src/proof/adapter/encode.js'
import { drawBlindings, place } from '../../../src/proof/adapter/place.js'
import { certificateItems } from '../../../src/proof/certificate/layout.js'
import { kernel, random } from '../product.js'

export interface GroupShape {
  readonly dIn: number
  /** Of each module. */
  readonly dOut: readonly number[]
}

export interface Shape {
  readonly name: string
  readonly groups: readonly GroupShape[]
  readonly rank: number
}

function repeated(name: string, rank: number, times: number, groups: readonly GroupShape[]): Shape {
  return { name, rank, groups: Array.from({ length: times }, () => groups).flat() }
}

/** Llama 3 8B: hidden width, of keys and values, of the feed-forward part. */
const [HIDDEN, KEYS, FEED] = [4096, 1024, 14_336]
const LAYERS = 32
export const LLAMA_QV: GroupShape = { dIn: HIDDEN, dOut: [HIDDEN, KEYS] }
/** The seven modules of a layer. */
const LLAMA_ALL: readonly GroupShape[] = [
  { dIn: HIDDEN, dOut: [HIDDEN, KEYS, KEYS] },
  { dIn: HIDDEN, dOut: [HIDDEN] },
  { dIn: HIDDEN, dOut: [FEED, FEED] },
  { dIn: FEED, dOut: [HIDDEN] }
]

export function smallShape(modules: number): Shape {
  return repeated(`${modules} modules`, 8, modules, [{ dIn: 128, dOut: [384] }])
}

export const SHAPES = {
  tiny: repeated('tiny', 2, 2, [{ dIn: 20, dOut: [12] }]),
  demo: { ...smallShape(4), name: 'demo' },
  distilgpt2: repeated('distilgpt2', 16, 6, [{ dIn: 768, dOut: [2304] }]),
  'llama8b-qv': repeated('llama8b-qv', 16, LAYERS, [LLAMA_QV]),
  'llama8b-all': repeated('llama8b-all', 16, LAYERS, LLAMA_ALL)
} as const satisfies Record<string, Shape>

export function modulesOf({ groups }: Shape): number {
  return groups.reduce((sum, { dOut }) => sum + dOut.length, 0)
}

/** The default profile, w12a16. */
const [ACTIVATION_BITS, WEIGHT_BITS] = [16, 12]

/** The same integers from −most to most for the same seed (xorshift32). */
function integers(seed: number, count: number, bits: number): Int16Array {
  const most = 2 ** (bits - 1) - 1
  const out = new Int16Array(count)
  let state = (seed * 2 + 1) | 0
  for (let i = 0; i < count; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out[i] = ((state >>> 0) % (2 * most + 1)) - most
  }
  return out
}

export function makeAdapter({ groups, rank }: Shape, weightBits = WEIGHT_BITS): QuantizedAdapter {
  return {
    baseModelName: 'bench/random',
    activationBits: ACTIVATION_BITS,
    weightBits,
    groups: groups.map(({ dIn, dOut }, g): QuantizedGroup => ({
      dIn,
      modules: dOut.map((width, m) => ({
        name: `layers.${g}.module_${m}`,
        dOut: width,
        rank,
        a: integers(100 * g + 2 * m, rank * dIn, weightBits),
        b: integers(100 * g + 2 * m + 1, rank * width, weightBits),
        scale: 2 ** -20
      }))
    }))
  }
}

/** Bytes of the weights in memory. */
export function weightBytes(adapter: QuantizedAdapter): number {
  return adapter.groups.flatMap(({ modules }) => modules).reduce((sum, { a, b }) => sum + a.byteLength + b.byteLength, 0)
}

/** Activations of each group: tokens × dIn. */
export function makeActivations({ groups }: Shape, tokens: number): Int16Array[] {
  return groups.map(({ dIn }, g) => integers(1_000_000 + g, tokens * dIn, ACTIVATION_BITS))
}

export const OWNER_SECRET = new Uint8Array(32).fill(1)
export const USER_SECRET = new Uint8Array(32).fill(2)

export interface Registered {
  readonly adapter: CommittedAdapter
  readonly manifest: VerifiedManifest
}

/**
 * An adapter with its real commitments and empty certificates: sessions do not look at them, and those of all modules of a large
 * model take minutes (the benchmark `adapter` measures them). Here alone an unverified manifest stands for a verified one.
 */
export function register(shape: Shape): Registered {
  const adapter = makeAdapter(shape)
  const [secret, salt, base] = [random(32), random(32), new Uint8Array(32).fill(3)]
  const placed = place(adapter)
  const blindings = drawBlindings(kernel, { secret, content: contentDigest(base, adapter) }, placed)
  const commitments = placed.map((each, m) => commitModule(kernel, { ...each, ...blindings[m]! }))
  const scalesHash = hashScales(salt, scalesOf(adapter))
  const owner = publicKeyOf(OWNER_SECRET)
  const body = encodeBody({ owner, base, name: shape.name, baseName: adapter.baseModelName, shape: adapter, scalesHash, commitments })
  const items = placed.reduce((sum, { module: { dOut, rank }, dIn }) => {
    return sum + certificateItems({ dIn, dOut, rank, weightBits: adapter.weightBits })
  }, 0)
  const manifestBytes = encodeManifest(body, new Uint8Array(32 * items))
  const committed = restoreAdapter({ kernel, adapter, manifestBytes, secret, salt, random })
  return { adapter: committed, manifest: committed.manifest as VerifiedManifest }
}
