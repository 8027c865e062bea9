/** Signatures of what is being written in this folder; gone when it is there. */
import type { Kernel } from '../kernel/types.js'
import type { QuantizedAdapter } from '../lora/types.js'
import type {
  BaseModelDescription,
  CommittedAdapter,
  Delegation,
  Manifest,
  ProvedBundle,
  ProveInit,
  PublicRow,
  Random,
  RowOpening,
  SessionContext,
  Tail,
  TailBody,
  TailRole,
  VerifiedManifest,
  VerifiedProof
} from './types.js'
import type { PeerError } from '../errors.js'

const pending = (..._: unknown[]): never => {
  throw new Error('not written yet')
}

export const sign: (secretKey: Uint8Array, label: string, ...items: Uint8Array[]) => Uint8Array = pending
export const verifySignature: (publicKey: Uint8Array, signature: Uint8Array, label: string, ...items: Uint8Array[]) => boolean = pending
export const publicKeyOf: (secretKey: Uint8Array) => Uint8Array = pending

export const baseModelId: (description: BaseModelDescription) => Uint8Array = pending
export const decodeManifest: (bytes: Uint8Array) => Manifest = pending
export const verifyManifest: (init: { kernel: Kernel; manifest: Manifest; random: Random }) => VerifiedManifest = pending
export const commitAdapter: (init: {
  kernel: Kernel
  adapter: QuantizedAdapter
  base: Uint8Array
  name: string
  /** Public. */
  ownerKey: Uint8Array
  secret: Uint8Array
  salt: Uint8Array
  random: Random
  onProgress?: (done: number, total: number) => void
}) => CommittedAdapter = pending
export const restoreAdapter: (init: {
  kernel: Kernel
  adapter: QuantizedAdapter
  manifestBytes: Uint8Array
  secret: Uint8Array
  salt: Uint8Array
}) => CommittedAdapter = pending
export const contentDigest: (base: Uint8Array, adapter: QuantizedAdapter) => Uint8Array = pending
/** One scale for each module of the manifest. @throws InvalidProofError('scales') */
export const checkScales: (manifest: Manifest, salt: Uint8Array, scales: Float64Array) => void = pending

export const encodeContext: (context: SessionContext) => Uint8Array = pending
export const decodeContext: (bytes: Uint8Array) => SessionContext = pending
export const sessionId: (context: SessionContext) => Uint8Array = pending
export const signDelegation: (
  ownerSecret: Uint8Array,
  body: { adapter: Uint8Array; key: Uint8Array; expiry: bigint; share: bigint }
) => Delegation = pending
export const verifyDelegation: (owner: Uint8Array, adapter: Uint8Array, key: Uint8Array, delegation: Delegation) => boolean = pending
export const encodeDelegation: (delegation: Delegation) => Uint8Array = pending
export const decodeDelegation: (bytes: Uint8Array) => Delegation = pending
export const publicStart: (session: Uint8Array) => Uint8Array = pending
export const publicNext: (hash: Uint8Array, row: PublicRow) => Uint8Array = pending
export const signTail: (init: { secretKey: Uint8Array; role: TailRole; session: Uint8Array; tail: TailBody }) => Tail = pending
export const verifyTail: (init: { publicKey: Uint8Array; role: TailRole; session: Uint8Array; tail: Tail }) => boolean = pending

/** Rows of one group that follow one another in a batch: count × dIn integers. */
export interface InputRows {
  readonly group: { readonly dIn: number }
  readonly x: Int16Array
}
/** Rows of one group that follow one another in a batch: count × outputs integers, and their blindings (count × 32 bytes). */
export interface OutputRows {
  readonly group: { readonly outputs: number }
  readonly y: Float64Array
  readonly upsilon: Uint8Array
}
/** count = x.length / dIn; count × 32 bytes. */
export const commitInputs: (kernel: Kernel, group: { readonly dIn: number }, x: Int16Array) => Uint8Array = pending
/** `group`: index in the manifest; `h`: count × Σ rank hidden integers. */
export const commitOutputs: (init: { kernel: Kernel; adapter: CommittedAdapter; group: number; h: Float64Array; random: Random }) => {
  cy: Uint8Array
  upsilon: Uint8Array
  eta: Uint8Array
} = pending
/** @throws InvalidProofError('opening') or MalformedMessageError, naming rows firstRow … */
export const checkInputs: (init: {
  kernel: Kernel
  random: Random
  firstRow: number
  rows: readonly InputRows[]
  commitments: Uint8Array
}) => void = pending
export const checkOutputs: (init: {
  kernel: Kernel
  random: Random
  firstRow: number
  rows: readonly OutputRows[]
  commitments: Uint8Array
}) => void = pending
/** S = X + CY, each count × 32 bytes. */
export const sumCommitments: (kernel: Kernel, x: Uint8Array, cy: Uint8Array) => Uint8Array = pending

export const prove: (init: ProveInit) => ProvedBundle = pending
export const verify: (init: { kernel: Kernel; manifest: VerifiedManifest; bundle: Uint8Array; random: Random }) => VerifiedProof = pending
export const verifyBatch: (init: {
  kernel: Kernel
  items: readonly { manifest: VerifiedManifest; bundle: Uint8Array }[]
  random: Random
}) => (VerifiedProof | PeerError)[] = pending
export const merkleRoot: (session: Uint8Array, rows: readonly PublicRow[]) => Uint8Array = pending
export const openRow: (init: {
  session: Uint8Array
  rows: readonly PublicRow[]
  number: number
  x: Int16Array
  y: Float64Array
  upsilon: Uint8Array
}) => Uint8Array = pending
export const checkOpening: (init: { kernel: Kernel; manifest: Manifest; root: Uint8Array; opening: Uint8Array }) => RowOpening = pending
export const encodeProofFile: (manifest: Uint8Array, bundles: readonly Uint8Array[]) => Uint8Array = pending
export const decodeProofFile: (bytes: Uint8Array) => { manifest: Uint8Array; bundles: Uint8Array[] } = pending
/** `whole`: rows 0 … e without a gap, closed by both and none missing. */
export const verifyProofFile: (init: { kernel: Kernel; file: Uint8Array; random: Random }) => {
  manifest: VerifiedManifest
  proofs: VerifiedProof[]
  whole: boolean
} = pending
