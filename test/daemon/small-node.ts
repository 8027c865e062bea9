/** A participant without a network, for the tests of what stands before one: socket, commands, rendering. Not a stand-in for the roles' tests. */
import { NotFoundError } from '../../src/errors.js'
import type {
  CallOptions,
  EvidenceInfo,
  OwnAdapterInfo,
  SessionInfo,
  StatusReport,
  VerdictInfo,
  VerifyReport,
  ZkloraNode
} from '../../src/roles/types.js'

const hex = (digit: string): string => digit.repeat(64)

export const adapter: OwnAdapterInfo = {
  id: hex('a'),
  name: 'shakespeare',
  base: hex('b'),
  baseName: 'novels-llama',
  owner: hex('c'),
  activationBits: 16,
  weightBits: 12,
  groups: [
    {
      dIn: 128,
      modules: [
        { name: 'q_proj', dOut: 128, rank: 8 },
        { name: 'v_proj', dOut: 64, rank: 8 }
      ]
    },
    { dIn: 320, modules: [{ name: 'down_proj', dOut: 128, rank: 8 }] }
  ],
  manifestBytes: 51_200,
  mode: 'open',
  allow: [],
  limitRows: null,
  budget: [
    { group: 0, answered: 21, extraction: 45, matrixB: 10 },
    { group: 1, answered: 9, extraction: 108, matrixB: 10 }
  ],
  added: 1_700_000_000_000
}

export const session: SessionInfo = {
  session: hex('5'),
  role: 'user',
  adapter: adapter.id,
  adapterName: 'shakespeare',
  base: adapter.base,
  peer: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
  state: 'proved',
  rows: 672,
  root: hex('e'),
  digest: hex('d'),
  bundleBytes: 26_700,
  times: { commit: 120, prove: 412, verify: 35 },
  started: 1_700_000_000_000,
  error: null
}

export const verdict: VerdictInfo = {
  digest: hex('d'),
  root: hex('e'),
  session: hex('5'),
  adapter: adapter.id,
  adapterName: 'shakespeare',
  rows: 672,
  bundleBytes: 26_700,
  verdict: 'valid',
  error: null,
  elapsed: 35,
  announced: 1_700_000_000_000,
  checked: 1_700_000_001_000,
  contributor: hex('c'),
  userSigned: true
}

export const report: VerifyReport = {
  source: 'session.zkproof',
  verdict: 'valid',
  error: null,
  adapter,
  ranges: [
    {
      session: hex('5'),
      adapter: adapter.id,
      base: adapter.base,
      contributorKey: hex('c'),
      userKey: hex('f'),
      start: 0,
      end: 672,
      root: hex('e'),
      digest: hex('d'),
      rowsPerGroup: [
        { group: 0, rows: 336 },
        { group: 1, rows: 336 }
      ],
      closed: true,
      bundleBytes: 26_700
    }
  ],
  whole: true,
  row: null,
  elapsed: { manifest: 12, bundles: 23 }
}

export const status: StatusReport = {
  peerId: session.peer,
  roles: ['contributor', 'verifier'],
  multiaddrs: ['/ip4/127.0.0.1/tcp/4001'],
  version: '0.1.0',
  uptime: 61_000,
  peers: [{ peer: session.peer, roles: ['bootstrap'], multiaddrs: [], direction: 'outbound' }],
  adapters: [adapter],
  sessions: { open: 0, proving: 0, announced: 1, proved: 2, broken: 0, failed: 0 },
  announcements: { accepted: 3, ignored: { rate: 2 }, rejected: {} },
  verdicts: { announced: 0, valid: 3, invalid: 0, unavailable: 0 },
  feeds: 2,
  feedGaps: { announcements: 1, feeds: 1 },
  reachability: { state: 'unconfirmed', why: 'no connected peer has dialled it yet' },
  clockSkew: { milliseconds: -90_000, peers: 3 },
  mesh: { '0': 2, '1': 0 },
  proofsOwed: 1,
  proofsAwaited: 0,
  receiptsMissing: 2,
  outstandingRows: { contributor: 20, user: 1 },
  backlog: { announcements: 5, bundles: 4, points: 6000, skipped: 3 },
  refusals: { sent: { busy: 2 }, received: {} },
  verifier: { share: 0.5, used: 0.25, threads: 2, busy: 4000 },
  limits: { sessions: 2 },
  timeouts: { idle: 1 },
  store: { bundles: 26_700 }
}

export const evidence: EvidenceInfo = {
  id: '7d2f91ab44c0'.padEnd(64, '0'),
  kind: 'feed fork',
  key: 'c1'.repeat(32),
  owners: ['d2'.repeat(32)],
  adapter: adapter.id,
  reason: 'it signed two announcements with the index 3 of one feed',
  bytes: 1100,
  kept: true,
  added: 1_800_000_000_000
}

/** Rejects when the signal aborts. */
export function untilAborted({ signal }: CallOptions): Promise<never> {
  return new Promise((_, reject) => {
    signal!.addEventListener('abort', () => reject(signal!.reason as Error), { once: true })
  })
}

export interface SmallNode extends ZkloraNode {
  stopped: boolean
  adapters: OwnAdapterInfo[]
}

/** Each method can be replaced. */
export function smallNode(methods: Partial<ZkloraNode> = {}): SmallNode {
  let made = 1
  const node: SmallNode = {
    stopped: false,
    adapters: [adapter],
    peerId: session.peer,
    roles: ['contributor', 'user', 'verifier'],
    multiaddrs: () => [],
    status: async () => status,
    addAdapter: async (params, options) => {
      options?.onProgress?.({ type: 'adapter', step: 'commit', done: 3, total: 3 })
      const id = `${made++}${adapter.id}`.slice(0, 64)
      const { name = 'adapter', mode = 'open', origin } = params
      const added = { ...adapter, id, name, mode, ...(origin && { origin }) }
      node.adapters.push(added)
      return added
    },
    listAdapters: async () => node.adapters,
    removeAdapter: async id => {
      node.adapters = node.adapters.filter(known => known.id !== id)
    },
    applyAdapter: async (_id, _module, rows) => rows,
    find: async () => ({ found: [], elapsed: 310, connected: 1, providersTried: 2, providersAnswered: 0 }),
    generate: async (_params, options) => {
      options?.onProgress?.({ type: 'token', token: 5, text: 'dear' })
      return { text: 'dear', tokens: [5], finishReason: 'length', sessions: [session] }
    },
    loss: async () => ({ tokens: 10, base: 4.7, adapted: 3.6, sessions: [session] }),
    openModel: async () => ({
      adapters: [adapter],
      sessions: () => [session],
      generate: async () => ({ text: 'dear', tokens: [5], finishReason: 'length' }),
      loss: async () => ({ tokens: 10, base: 4.7, adapted: 3.6 }),
      end: async () => [session],
      abort: async () => [session]
    }),
    sessions: async () => [session],
    exportProof: async () => {
      throw new NotFoundError('no session is known by that')
    },
    openRow: async () => {
      throw new NotFoundError('no session is known by that')
    },
    verifyFile: async () => report,
    verifyKnown: async () => report,
    verdicts: async () => [verdict],
    evidence: async () => [evidence],
    exportEvidence: async () => Uint8Array.of(1, 2, 3),
    addEvidence: async () => evidence,
    watch: options => untilAborted(options),
    stop: async () => {
      node.stopped = true
    },
    ...methods
  }
  return node
}
