/**
 * What a participant can do, as the command line, the daemon and the library use it. `createNode` (node.ts) makes one.
 * Long calls take a signal and report progress as events; results are plain data that survives JSON.
 */

import type { AdapterInfo, Hex, VerifyReport } from '../browser/report.js'
import type { EvidenceInfo } from '../store/index.js'

export type { EvidenceInfo } from '../store/index.js'
export type { AdapterInfo, AdapterModuleInfo, Hex, OpenedRow, ProofRange, VerifyReport } from '../browser/report.js'

export type Role = 'contributor' | 'user' | 'verifier' | 'bootstrap'

export interface GroupBudget {
  group: number
  /** Rows answered or reserved, over all peers. */
  answered: number
  /** T_min of session-proof.md, section 8: rows at which an ideal attacker could know the whole of A. */
  extraction: number
  /** r + 2: rows after which B can be known. */
  matrixB: number
}

export interface OwnAdapterInfo extends AdapterInfo {
  /** `open`: whoever asks can extract it. `listed`: only the peers of the allow-list are served. */
  mode: 'open' | 'listed'
  allow: string[]
  /** Rows of each group answered at most, over all peers; null: no limit. */
  limitRows: number | null
  budget: GroupBudget[]
  added: number
  origin?: AdapterOrigin | undefined
}

/** From what an adapter was registered, for those who register what has changed. */
export interface AdapterOrigin {
  folder: string
  /** A hash of its content and terms. */
  fingerprint: string
}

export interface AddAdapterParams {
  /** Kept with the adapter. */
  origin?: AdapterOrigin | undefined
  /** PEFT folder. */
  folder: string
  /** Folder of the base model (its config and tokenizer). */
  base: string
  name?: string | undefined
  mode?: 'open' | 'listed' | undefined
  allow?: string[] | undefined
  limitRows?: number | null | undefined
  weightBits?: number | undefined
  activationBits?: number | undefined
}

/** What the network adds to one token (or one position of a prompt) with all modules of an adapter. */
export interface TokenCost {
  /** Of activations and, at most, of deltas. */
  bytes: number
  /** One after the other: groups of the adapter. For a prompt, of all its positions together. */
  roundTrips: number
  /** Measured with up to 256 KiB of the manifest; null: it could not be. */
  bytesPerSecond: number | null
  /** Estimated from these and the ping; without the time of the model, and of the contributor's arithmetic. */
  seconds: number | null
}

/** An adapter at a contributor that answered. */
export interface FoundAdapter {
  adapter: AdapterInfo
  peer: string
  multiaddrs: string[]
  /** Milliseconds of a ping. */
  roundTrip: number | null
  tokenCost: TokenCost
  rowsLeft: number | null
  listedOnly: boolean
  maxRows: number
  /** Sessions of this adapter whose bundle was verified here. */
  verifiedSessions: number
  /** Identifier of evidence against its owner that is kept here: it is not chosen. */
  evidence: Hex | null
}

export interface FindParams {
  /** Base model folder or identifier. */
  base?: string | undefined
  /** Adapter identifier (a prefix of at least 8 digits is enough) or name. */
  adapter?: string | undefined
}

export interface FindResult {
  found: FoundAdapter[]
  /** Milliseconds that the lookup took, and what was tried. */
  elapsed: number
  /** Peers connected at its end. */
  connected: number
  providersTried: number
  providersAnswered: number
}

export interface SamplingParams {
  maxNewTokens?: number | undefined
  /** Absent: greedy. */
  temperature?: number | undefined
  topK?: number | undefined
  topP?: number | undefined
  repetitionPenalty?: number | undefined
  seed?: number | undefined
  stop?: string[] | undefined
}

export interface AdapterUse {
  /** Base model folder. */
  base: string
  /**
   * `ID`, `ID@PEER`, `ID@MULTIADDR`, or a name found through the DHT; `@PEER` or `@MULTIADDR` for the only adapter that it serves for
   * this base model, and the empty text for the only one that is found. No entry: the base model alone.
   */
  adapters: string[]
  combineMode?: 'add_delta' | 'replace' | undefined
  /** True: what opens the sessions' rows is kept, within a bound, so that one can be shown (`openRow`). */
  keepRows?: boolean | undefined
  /** Also with contributors against whom there is evidence. */
  force?: boolean | undefined
  /** Rows of each session at most, another follows one that is full; absent: from the prompt and maxNewTokens, or what is served. */
  rows?: number | undefined
}

export interface GenerateParams extends AdapterUse, SamplingParams {
  prompt: string
}

export interface LossParams extends AdapterUse {
  text: string
}

/** `broken`: its stream ended too early, and it is to be settled. */
export type SessionState = 'open' | 'proving' | 'announced' | 'proved' | 'broken' | 'failed'

/** A session that this node took part in. */
export interface SessionInfo {
  session: Hex
  role: 'user' | 'contributor'
  adapter: Hex
  adapterName: string
  base: Hex
  peer: string
  state: SessionState
  rows: number
  /** Of the bundle, when there is one. */
  root: Hex | null
  digest: Hex | null
  bundleBytes: number | null
  /** Milliseconds: own commitments, proof (the contributor's), verification by the user. */
  times: { commit: number | null; prove: number | null; verify: number | null }
  started: number
  /** Why it failed, in a sentence. */
  error: string | null
}

export interface GenerateResult {
  text: string
  tokens: number[]
  finishReason: 'eos' | 'length' | 'stop' | 'abort'
  sessions: SessionInfo[]
}

export interface LossResult {
  tokens: number
  /** Mean next-token cross entropy, nats. */
  base: number
  /** Null without adapters. */
  adapted: number | null
  sessions: SessionInfo[]
}

/** A base model with its adapters' sessions open: `ZkloraNode.openModel`. */
export interface PatchedModelHandle {
  /** In the order in which they were asked for. */
  readonly adapters: readonly AdapterInfo[]
  /** As they are now. */
  sessions(): SessionInfo[]
  /** Writes on from a prompt. @param options.signal ends the text, not the sessions */
  generate(params: SamplingParams & { prompt: string }, options?: CallOptions): Promise<Omit<GenerateResult, 'sessions'>>
  /** Loss of a text with the base model and with the adapters. */
  loss(text: string, options?: CallOptions): Promise<Omit<LossResult, 'sessions'>>
  /** Ends the sessions with their proofs; one whose proof failed says so. */
  end(): Promise<SessionInfo[]>
  /** Breaks the sessions off, without proofs. */
  abort(reason?: Error): Promise<SessionInfo[]>
}

/** A bundle seen by the verifier. */
export interface VerdictInfo {
  digest: Hex
  root: Hex
  session: Hex
  adapter: Hex
  adapterName: string | null
  rows: number
  bundleBytes: number
  verdict: 'announced' | 'valid' | 'invalid' | 'unavailable'
  error: string | null
  /** Milliseconds of the verification itself. */
  elapsed: number | null
  /** Milliseconds since 1970. */
  announced: number
  checked: number | null
  contributor: Hex
  userSigned: boolean
}

export interface StatusReport {
  peerId: string
  roles: Role[]
  multiaddrs: string[]
  version: string
  uptime: number
  /** Whether others can dial it, as far as it can know, and why. */
  reachability: { state: 'reachable' | 'unconfirmed' | 'unreachable'; why: string }
  /** Median, over so many peers, of how far ahead of this clock the time of their latest announcement was; null: nothing was heard. */
  clockSkew: { milliseconds: number | null; peers: number }
  peers: { peer: string; roles: Role[]; multiaddrs: string[]; direction: 'inbound' | 'outbound' }[]
  /** Peers in the gossip mesh of each topic, `0` to `f`. */
  mesh: Record<string, number>
  adapters: OwnAdapterInfo[]
  sessions: Record<SessionState, number>
  /** Own sessions that broke or are being proved: as contributor, and as user. */
  proofsOwed: number
  proofsAwaited: number
  /** Bundles proved here that the user has not signed for. */
  receiptsMissing: number
  /** Rows answered and not yet accepted by this side: of the sessions that this node serves, and of those in which it asks. */
  outstandingRows: { contributor: number; user: number }
  announcements: { accepted: number; ignored: Record<string, number>; rejected: Record<string, number> }
  verdicts: Record<VerdictInfo['verdict'], number>
  feeds: number
  /** Announcements that are known to be missing in them, and in how many of them. */
  feedGaps: { announcements: number; feeds: number }
  /** Announcements that wait or are worked on; among them bundles that wait to be verified, with their points; those skipped so far. */
  backlog: { announcements: number; bundles: number; points: number; skipped: number }
  /** Share of the verifying threads' time that announced bundles may take; what they took of it in the last ten seconds; milliseconds in all. */
  verifier: { share: number; used: number; threads: number; busy: number }
  /** Sessions refused or broken off, by the name of the code. */
  refusals: { sent: Record<string, number>; received: Record<string, number> }
  /** How often each limit was hit, and each wait ended by its timeout, by the names of limits.ts. */
  limits: Record<string, number>
  timeouts: Record<string, number>
  /** Bytes kept, by kind. */
  store: Record<string, number>
}

/** What long calls report while they run; shown on stderr or as JSON lines. */
export type ProgressEvent =
  | { type: 'adapter'; step: 'read' | 'quantise' | 'commit' | 'prove' | 'advertise'; done: number; total: number }
  | { type: 'find'; tried: number; answered: number }
  | { type: 'model'; step: 'open'; modules: number; stages: number; elapsed: number }
  | { type: 'session'; session: SessionInfo }
  | { type: 'token'; token: number; text: string }
  | { type: 'commitments'; session: Hex; rows: number; accepted: number }
  | { type: 'verdict'; verdict: VerdictInfo }
  | { type: 'evidence'; evidence: EvidenceInfo }
  | { type: 'window'; done: number; total: number }

export interface CallOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((event: ProgressEvent) => void) | undefined
}

/** A running participant. */
export interface ZkloraNode {
  readonly peerId: string
  readonly roles: readonly Role[]
  multiaddrs(): string[]
  status(): Promise<StatusReport>

  addAdapter(params: AddAdapterParams, options?: CallOptions): Promise<OwnAdapterInfo>
  listAdapters(): Promise<OwnAdapterInfo[]>
  removeAdapter(id: Hex): Promise<void>
  /**
   * What an own adapter adds to a module's output, in the exact integers of a session. It counts for nobody's budget.
   * @param rows count × dIn @returns count × dOut
   */
  applyAdapter(id: Hex, module: string, rows: Float32Array): Promise<Float32Array>

  find(params: FindParams, options?: CallOptions): Promise<FindResult>
  generate(params: GenerateParams, options?: CallOptions): Promise<GenerateResult>
  loss(params: LossParams, options?: CallOptions): Promise<LossResult>
  /**
   * Opens a base model with the sessions of its adapters, for any number of texts; `end` makes the proofs. A session that is idle for
   * ten minutes is ended by the contributor.
   * @param options.signal ends the sessions, also later
   */
  openModel(params: AdapterUse, options?: CallOptions): Promise<PatchedModelHandle>

  sessions(): Promise<SessionInfo[]>
  /** The proof file of a session: by root, bundle digest or session identifier. */
  exportProof(id: Hex): Promise<Uint8Array>
  /**
   * A row file: one row of an own session with the session's proof, for whoever is to see that row.
   * @param number in the session, from 0
   * @throws NotFoundError for a row that is not in the proof, or was not kept
   */
  openRow(id: Hex, number: number): Promise<Uint8Array>
  /** Verifies a proof file's or row file's bytes; never throws for what is in them. */
  verifyFile(source: string, bytes: Uint8Array): Promise<VerifyReport>
  /** Verifies a bundle that this node keeps or can fetch: by digest, root or session. */
  verifyKnown(id: Hex, options?: CallOptions): Promise<VerifyReport>
  verdicts(): Promise<VerdictInfo[]>
  /** What shows that contributors broke their word, the oldest first. */
  evidence(): Promise<EvidenceInfo[]>
  /** The bytes, by identifier or its first 8 digits. */
  exportEvidence(id: Hex): Promise<Uint8Array>
  /** Checks evidence from somebody else, and keeps it. */
  addEvidence(bytes: Uint8Array): Promise<EvidenceInfo>
  /** Announcements and verdicts as they come, until the signal aborts. */
  watch(options: CallOptions): Promise<void>

  stop(): Promise<void>
}
