/** A small adapter and honest sessions with it, from a seed: what the tests of this room start from. */
import { concat, u32 } from '../../src/bytes.js'
import { createBlake3, wasmKernel } from '../../src/kernel/index.js'
import type { QuantizedAdapter, QuantizedGroup } from '../../src/lora/types.js'
import {
  commitAdapter,
  commitInputs,
  commitOutputs,
  prove,
  publicKeyOf,
  publicNext,
  publicStart,
  sessionId,
  signTail,
  sumCommitments,
  verifyManifest,
  type CommittedAdapter,
  type ProvedBundle,
  type ProveInit,
  type Random,
  type SessionContext,
  type SessionRow,
  type Tail,
  type VerifiedManifest
} from '../../src/proof/index.js'

export const kernel = wasmKernel()

/** The same bytes for the same seed: BLAKE3 of seed and a counter. */
export function seeded(seed: string): Random {
  let calls = 0
  return bytes => createBlake3().update(new TextEncoder().encode(seed)).update(u32(calls++)).digest(bytes)
}

/** Integers from −most to most. */
export function integers(random: Random, count: number, most: number): Int16Array {
  const view = new DataView(random(4 * count).slice().buffer)
  return Int16Array.from({ length: count }, (_, i) => (view.getUint32(4 * i, true) % (2 * most + 1)) - most)
}

export interface ModuleShape {
  dOut: number
  rank: number
}

export interface GroupShape {
  dIn: number
  modules: readonly ModuleShape[]
}

/** Two groups with different widths and ranks: odd halvings, more than 8 entries, two modules in one group. */
export const SHAPES: readonly GroupShape[] = [
  {
    dIn: 20,
    modules: [
      { dOut: 12, rank: 2 },
      { dOut: 7, rank: 3 }
    ]
  },
  { dIn: 33, modules: [{ dOut: 5, rank: 1 }] }
]

/** With weights of 8 bits unless told otherwise: a certificate takes as long as its table of all weights is large. */
export function makeAdapter(seed: string, shapes: readonly GroupShape[] = SHAPES, weightBits = 8): QuantizedAdapter {
  const random = seeded(`${seed}/weights`)
  const most = 2 ** (weightBits - 1) - 1
  return {
    baseModelName: 'tests/tiny',
    activationBits: 16,
    weightBits,
    groups: shapes.map(({ dIn, modules }, g) => ({
      dIn,
      modules: modules.map(({ dOut, rank }, m) => ({
        name: `layers.${g}.module_${m}`,
        dOut,
        rank,
        a: integers(random, rank * dIn, most),
        b: integers(random, rank * dOut, most),
        scale: 2 ** -(10 + m)
      }))
    }))
  }
}

/** x · A for one row: the hidden integers of all modules of the group. */
export function hiddenRow(group: QuantizedGroup, x: Int16Array): Float64Array {
  return Float64Array.from(
    group.modules.flatMap(({ a, rank }) =>
      Array.from({ length: rank }, (_, k) => x.reduce((total, value, i) => total + value * a[k * group.dIn + i]!, 0))
    )
  )
}

/** h · B: the outputs of all modules of the group. */
export function outputRow(group: QuantizedGroup, h: Float64Array): Float64Array {
  let from = 0
  return Float64Array.from(
    group.modules.flatMap(({ b, rank, dOut }) => {
      const part = h.subarray(from, (from += rank))
      return Array.from({ length: dOut }, (_, j) => part.reduce((total, value, k) => total + value * b[k * dOut + j]!, 0))
    })
  )
}

export const OWNER_SECRET = new Uint8Array(32).fill(1)
export const USER_SECRET = new Uint8Array(32).fill(2)
export const BASE = new Uint8Array(32).fill(3)

export interface Registered {
  adapter: CommittedAdapter
  manifest: VerifiedManifest
}

export function register(seed: string, quantized = makeAdapter(seed)): Registered {
  const random = seeded(`${seed}/registration`)
  const adapter = commitAdapter({
    kernel,
    adapter: quantized,
    base: BASE,
    name: 'tiny',
    ownerKey: publicKeyOf(OWNER_SECRET),
    secret: random(32),
    salt: random(32),
    random
  })
  return { adapter, manifest: verifyManifest({ kernel, manifest: adapter.manifest, random }) }
}

export function contextOf({ manifest }: CommittedAdapter, change: Partial<SessionContext> = {}): SessionContext {
  return {
    userNonce: new Uint8Array(32).fill(4),
    contributorNonce: new Uint8Array(32).fill(5),
    userKey: publicKeyOf(USER_SECRET),
    contributorKey: publicKeyOf(OWNER_SECRET),
    adapter: manifest.id,
    base: manifest.base,
    started: 1_700_000_000n,
    activationBits: manifest.activationBits,
    weightBits: manifest.weightBits,
    rows: 1000,
    groups: manifest.groups.map((_, g) => g),
    ...change
  }
}

/** A row with everything that either side knows of it. */
export interface KnownRow extends SessionRow {
  readonly y: Float64Array
  readonly upsilon: Uint8Array
}

/** Groups of rows in order; positions rise by one in each group. */
export function makeRows(adapter: CommittedAdapter, groups: readonly number[], random: Random, first = 0): KnownRow[] {
  const positions = new Map<number, number>()
  return groups.map((group, t) => {
    const shape = adapter.quantized.groups[group]!
    const x = integers(random, shape.dIn, 2 ** 15 - 1)
    const position = positions.get(group) ?? 0
    positions.set(group, position + 1)
    return makeRow(adapter, { number: first + t, group, position, x, random })
  })
}

export function makeRow(
  adapter: CommittedAdapter,
  { number, group, position, x, random }: { number: number; group: number; position: number; x: Int16Array; random: Random }
): KnownRow {
  const shape = adapter.quantized.groups[group]!
  const h = hiddenRow(shape, x)
  const xCommitment = commitInputs(kernel, shape, x)
  const { cy, upsilon, eta } = commitOutputs({ kernel, adapter, group, h, random })
  return { number, group, position, x, xCommitment, eta, upsilon, y: outputRow(shape, h), s: sumCommitments(kernel, xCommitment, cy) }
}

/** Both tails over rows up to the last one, signed by the keys of the tests. */
export function makeTails(
  context: SessionContext,
  rows: readonly SessionRow[],
  { publicAtStart, change = {} }: { publicAtStart?: Uint8Array | undefined; change?: Partial<Tail> } = {}
): { userTail: Tail; contributorTail: Tail } {
  const session = sessionId(context)
  const publicHash = rows.reduce(publicNext, publicAtStart ?? publicStart(session))
  const end = rows.at(-1)!.number + 1
  const tail = { rows: end, accepted: end, closed: true, publicHash, privateHash: new Uint8Array(32).fill(6), ...change }
  return {
    userTail: signTail({ secretKey: USER_SECRET, role: 'user', session, tail }),
    contributorTail: signTail({ secretKey: OWNER_SECRET, role: 'contributor', session, tail })
  }
}

/** What a prover needs, with what else is known of the rows. */
export type Session = Omit<ProveInit, 'rows'> & { rows: readonly KnownRow[] }

export interface Proved extends ProvedBundle {
  init: Session
  rows: readonly KnownRow[]
}

export interface SessionOptions {
  /** Group of each row. */
  groups?: readonly number[]
  context?: Partial<SessionContext>
  /** First row and the public hash before it. */
  first?: number
  publicAtStart?: Uint8Array
  tails?: Partial<Tail>
}

/** What an honest contributor would prove after an honest session. */
export function honestSession(adapter: CommittedAdapter, seed: string, options: SessionOptions = {}): Session {
  const random = seeded(`${seed}/session`)
  const context = contextOf(adapter, options.context)
  const rows = makeRows(adapter, options.groups ?? [0, 1, 0, 1, 0], random, options.first)
  const { publicAtStart } = options
  const tails = makeTails(context, rows, { publicAtStart, ...(options.tails === undefined ? {} : { change: options.tails }) })
  return { kernel, adapter, context, rows, publicAtStart, ...tails, random }
}

export function honestBundle(adapter: CommittedAdapter, seed: string, options: SessionOptions = {}): Proved {
  const init = honestSession(adapter, seed, options)
  return { ...prove(init), init, rows: init.rows }
}

/** One byte changed by one bit. */
export function flip(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  return concat([bytes.subarray(0, at), Uint8Array.of(bytes[at]! ^ (1 << bit)), bytes.subarray(at + 1)])
}
