/** What is shown of manifests and proofs: plain data that survives JSON. */

/** Identifiers, digests, roots and keys are lower-case hexadecimal here; peers and multiaddrs are libp2p's strings. */
export type Hex = string

export interface AdapterModuleInfo {
  name: string
  dOut: number
  rank: number
}

/** What a manifest says in public. */
export interface AdapterInfo {
  id: Hex
  name: string
  base: Hex
  baseName: string
  owner: Hex
  activationBits: number
  weightBits: number
  groups: { dIn: number; modules: AdapterModuleInfo[] }[]
  manifestBytes: number
}

export interface ProofRange {
  session: Hex
  adapter: Hex
  base: Hex
  contributorKey: Hex
  userKey: Hex
  start: number
  end: number
  root: Hex
  digest: Hex
  rowsPerGroup: { group: number; rows: number }[]
  /** True: both closed and no row is missing after `end`. */
  closed: boolean
  bundleBytes: number
}

/** A row that its user shows: what of x and y the proof is about. */
export interface OpenedRow {
  number: number
  group: number
  position: number
  /** Of the group, whose outputs stand in y one module after the other. */
  modules: AdapterModuleInfo[]
  /** dIn integers. */
  x: number[]
  /** Integers. */
  y: number[]
}

/** What `verify` says of a file, digest or root. */
export interface VerifyReport {
  source: string
  verdict: 'valid' | 'invalid' | 'unchecked'
  /** For `invalid` and `unchecked`: which step, and a sentence. */
  error: string | null
  adapter: AdapterInfo | null
  ranges: ProofRange[]
  /** True: rows 0 … end without a gap, closed by both. */
  whole: boolean
  /** Of a row file. */
  row: OpenedRow | null
  /** Milliseconds. */
  elapsed: { manifest: number; bundles: number }
}
