/** The stages of an adapter, of a session's rows and of a proof. One-letter names: protocols/notation. */
import type { Kernel, Points } from '../kernel/types.js'
import type { QuantizedAdapter } from '../lora/types.js'

/** Uniform random bytes from the system's generator. */
export type Random = (bytes: number) => Uint8Array

// Adapter (protocols/adapter)

/** What the base model identifier is made from. */
export interface BaseModelDescription {
  /** What PEFT writes as `base_model_name_or_path`; for a local folder its last path component. */
  readonly name: string
  /** `model_type` of config.json. */
  readonly modelType: string
  /** Those of the keys of protocols/adapter that config.json has, in that order. */
  readonly dimensions: readonly (readonly [string, number])[]
  /** Token strings by identifier; unused identifiers are empty. */
  readonly tokens: readonly string[]
  /** `left right`, in order; empty when the tokenizer has none. */
  readonly merges: readonly string[]
}

export interface ManifestModule {
  readonly name: string
  readonly dOut: number
  readonly rank: number
  /** First index of the module's block of K. */
  readonly offset: number
  /** Index of the module over all groups. */
  readonly index: number
  /** rank × 32 bytes: commitments to the columns of A. Canonical only once verified. */
  readonly ca: Uint8Array
  /** rank × 32 bytes: commitments to the rows of B. */
  readonly cb: Uint8Array
}

export interface ManifestGroup {
  readonly dIn: number
  /** Σ dOut of the modules: width of a row y. */
  readonly outputs: number
  /** Σ rank of the modules: width of a row h. */
  readonly rank: number
  readonly modules: readonly ManifestModule[]
}

/** A manifest whose layout holds; nothing in it has been proved. */
export interface Manifest {
  readonly bytes: Uint8Array
  /** The adapter identifier. */
  readonly id: Uint8Array
  readonly bodyHash: Uint8Array
  /** Ed25519 public key. */
  readonly owner: Uint8Array
  readonly base: Uint8Array
  readonly name: string
  readonly baseName: string
  readonly activationBits: number
  readonly weightBits: number
  readonly groups: readonly ManifestGroup[]
  readonly scalesHash: Uint8Array
  readonly certificateKind: number
  readonly certificates: Uint8Array
}

declare const manifestBrand: unique symbol

/** A manifest whose certificates have been verified; made by verifyManifest alone, and by recallManifest of what it has made. */
export interface VerifiedManifest extends Manifest {
  readonly [manifestBrand]: true
}

/** One group's commitments with their openings, over its modules one after the other. */
export interface CommittedGroup {
  /** Σ rank commitments to rows of B. */
  readonly cb: Points
  /** Σ rank scalars. */
  readonly alpha: Uint8Array
  readonly beta: Uint8Array
}

/** What a contributor holds of its adapter. Secret, but for the manifest. */
export interface CommittedAdapter {
  readonly manifest: Manifest
  readonly quantized: QuantizedAdapter
  readonly groups: readonly CommittedGroup[]
  readonly secret: Uint8Array
  /** Of scalesHash; given to users with the scales. */
  readonly salt: Uint8Array
  /** 32 bytes by which the extraction budget is kept; never shown. */
  readonly content: Uint8Array
}

// Session (protocols/bundle)

/** The owner lets another key answer for the adapter. */
export interface Delegation {
  /** Seconds since 1970. */
  readonly expiry: bigint
  /** Rows of each group that the replica may answer. */
  readonly share: bigint
  /** The owner's, 64 bytes. */
  readonly signature: Uint8Array
}

export interface SessionContext {
  readonly userNonce: Uint8Array
  readonly contributorNonce: Uint8Array
  readonly userKey: Uint8Array
  readonly contributorKey: Uint8Array
  readonly adapter: Uint8Array
  readonly base: Uint8Array
  /** Seconds since 1970. */
  readonly started: bigint
  readonly activationBits: number
  readonly weightBits: number
  /** Most rows that the contributor answers. */
  readonly rows: number
  /** Manifest indices, strictly ascending. */
  readonly groups: readonly number[]
  readonly delegation?: Delegation | undefined
}

export type TailRole = 'user' | 'contributor'

/** What a side signs about the rows so far. */
export interface TailBody {
  /** Rows that the sender has answered or seen answered. */
  readonly rows: number
  /** Rows accepted by the sender. */
  readonly accepted: number
  readonly closed: boolean
  /** Public running hash after exactly the accepted rows. */
  readonly publicHash: Uint8Array
  readonly privateHash: Uint8Array
}

export interface Tail extends TailBody {
  readonly signature: Uint8Array
}

/** The public side of a row. */
export interface PublicRow {
  /** In the session. */
  readonly number: number
  /** Index in the manifest. */
  readonly group: number
  readonly position: number
  /** S: 32 bytes. */
  readonly s: Uint8Array
}

/** What the contributor keeps of an accepted row until the proof is made. */
export interface SessionRow extends PublicRow {
  /** ⟨x, G⟩ as the user sent it and the contributor checked it: 32 bytes. */
  readonly xCommitment: Uint8Array
  /** dIn integers of activationBits. */
  readonly x: Int16Array
  /** η: one scalar. Secret. */
  readonly eta: Uint8Array
}

// Proof

export interface ProveInit {
  readonly kernel: Kernel
  readonly adapter: CommittedAdapter
  readonly context: SessionContext
  /** Rows s … e − 1 in order of their numbers, at least one. */
  readonly rows: readonly SessionRow[]
  /** Public hash at s; needed when s > 0. */
  readonly publicAtStart?: Uint8Array | undefined
  /** Both with accepted = e. */
  readonly userTail: Tail
  readonly contributorTail: Tail
  readonly random: Random
}

export interface ProvedBundle {
  readonly bundle: Uint8Array
  readonly digest: Uint8Array
  readonly root: Uint8Array
}

declare const proofBrand: unique symbol

/** What a bundle says once it holds. */
export interface ProofFacts {
  readonly session: Uint8Array
  readonly context: SessionContext
  readonly adapter: Uint8Array
  readonly base: Uint8Array
  readonly owner: Uint8Array
  readonly contributorKey: Uint8Array
  readonly userKey: Uint8Array
  /** s ≤ row number < e. */
  readonly start: number
  readonly end: number
  /** Groups with rows, in manifest order. */
  readonly rowsPerGroup: readonly { readonly group: number; readonly rows: number }[]
  readonly publicStart: Uint8Array
  readonly publicEnd: Uint8Array
  readonly userTail: Tail
  readonly contributorTail: Tail
  /** Both tails say closed and rows = e: nothing was answered after this bundle. */
  readonly complete: boolean
  /** Complete, and from row 0: this bundle is the whole session. */
  readonly whole: boolean
  readonly root: Uint8Array
  readonly digest: Uint8Array
  readonly bundleBytes: number
}

/** What a verified bundle shows; made by verify and verifyBatch alone. */
export interface VerifiedProof extends ProofFacts {
  readonly [proofBrand]: true
}

/** A row shown to a chosen party. */
export interface RowOpening {
  readonly session: Uint8Array
  /** First row and number of rows of the bundle. */
  readonly start: number
  readonly rows: number
  readonly number: number
  readonly group: number
  readonly position: number
  /** dIn integers. */
  readonly x: Int16Array
  /** Outputs of the group's modules one after the other, integers. */
  readonly y: Float64Array
  /** υ: one scalar. */
  readonly upsilon: Uint8Array
}
