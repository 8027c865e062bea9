/**
 * Every bound on what a peer may claim or send, each with its unit and its reason. Defaults of `network.md`;
 * what an operator may change is in the config, what the formats depend on is not.
 */
const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const SECOND = 1000
const MINUTE = 60 * SECOND

/** Bounds of the formats: a manifest or bundle beyond them is invalid for everybody. */
export const FORMAT_LIMITS = {
  /** Groups of an adapter: 4 a layer of a 128-layer model. */
  groups: 512,
  /** Target modules of an adapter: 7 a layer of a 128-layer model, rounded up. */
  modules: 1024,
  /** LoRA rank of one module. */
  rank: 128,
  /** Σ r over all modules; bounds the points of a manifest to 2 × this. */
  rankSum: 65_536,
  /** Input width of a group (Llama-70B's down_proj has 28,672). */
  dIn: 32_768,
  /** Σ d_out of a group (Llama-70B's gate and up have 57,344). */
  groupOutputs: 65_536,
  /**
   * Σ over all modules of both widths and the 2^b values of a weight: checking an adapter's certificates takes some 0.3 µs for each, also
   * where a manifest is short. All seven modules of 80 layers of Llama-70B have 15 million at 12 bits.
   */
  certifiedEntries: 2 ** 25,
  /** Bytes of an adapter's display name. */
  adapterNameBytes: 128,
  /** Bytes of a module's name, of a base model's name. */
  nameBytes: 512,
  /** Bytes of a manifest with its certificates. */
  manifestBytes: 16 * MiB,
  /** Rows of one bundle. */
  bundleRows: 65_536,
  /** Bytes of one bundle. */
  bundleBytes: 4 * MiB,
  /** Bytes of a proof file, which is read as a whole: a manifest and 60 bundles of 4 MiB, some 7 million rows. */
  proofFileBytes: 256 * MiB,
  /** Bytes of one announcement. */
  announcementBytes: 640,
  /** Bits of activations and weights. */
  activationBits: [4, 16],
  weightBits: [2, 16]
} as const

/** Bounds of sessions, transfers and gossip; also the defaults of the config. */
export const NET_LIMITS = {
  /** Session streams of one peer, and of all. */
  sessionsPerPeer: 4,
  sessions: 64,
  /** Milliseconds without a row answered or accepted after which a session gives its place away when all are taken. */
  sessionIdleInNeed: MINUTE,
  /** Sessions whose places one host may take over in a minute: it could else break off others' by coming and going. */
  sessionTakeovers: 8,
  /** Bytes of the message that a session's stream begins with, before it has a place: open with all groups has some 2 KiB. */
  openBytes: 16 * KiB,
  /** Fetch streams of one peer, and of all. */
  fetchesPerPeer: 8,
  fetches: 64,
  /** Bytes of one frame on a session or fetch stream. */
  frameBytes: 1 * MiB,
  /** Bytes of the yamux receive window: above 4 MiB js-libp2p aborts a paused stream. */
  windowBytes: 2 * MiB,
  /** Bytes received and not read; js-libp2p resets the stream there. */
  unreadBytes: 4 * MiB,
  /** Bytes handed over and not sent (unbounded in js-libp2p by default). */
  unsentBytes: 4 * MiB,
  /** Bytes of one connection handed over and not sent: a frame of 64 KiB for each of its streams, and more. */
  connectionUnsentBytes: 8 * MiB,
  /** Connections at a time (some 200 KiB each). */
  connections: 300,
  /**
   * Handshakes under way: of all hosts and of one; connections of one host. A node behind the same address on a LAN, or in a test, has
   * more.
   */
  handshakes: 256,
  handshakesPerHost: 8,
  connectionsPerHost: 32,
  privateHostFactor: 8,
  /**
   * Frames of yamux with fewer bytes (some 10 µs each), and streams (some 100 µs), that one peer may send a second for ever, and at once.
   * A receiver answers each frame with a window; a verifier that catches up over a LAN opens less than a hundred streams a second.
   */
  smallFrameBytes: 128,
  smallFramesPerSecond: 10_000,
  smallFrames: 20_000,
  streamsPerSecond: 200,
  streams: 2_000,
  /** Queries of the DHT (some 0.6 ms each) of one peer a second for ever, and at once; bytes of one, and of an answer. */
  queriesPerSecond: 100,
  queries: 1_000,
  queryBytes: 16 * KiB,
  queryAnswerBytes: 1 * MiB,
  /** Peers that an answer says to be closer: k of Kademlia. */
  queryCloserPeers: 20,
  /** Provider records kept for others: in all (some 100 bytes each), of one peer, for one key; addresses of a peer. */
  providerRecords: 65_536,
  providerRecordsPerPeer: 2_048,
  providerRecordsPerKey: 512,
  addressesPerPeer: 32,
  /** Peers that are remembered (some 500 bytes each), and milliseconds after which one that is not heard of is forgotten. */
  knownPeers: 16_384,
  knownPeerAge: 48 * 60 * MINUTE,
  /** Bytes of a message of identify; js-libp2p reads 8 KiB of it. */
  identifyBytes: 64 * KiB,
  /** Bytes handed to the stream at a time, so that control messages do not queue behind bulk. */
  sendAheadBytes: 256 * KiB,
  /** Requests in flight on one session, and bytes of x in them. */
  requestsInFlight: 32,
  requestBytesInFlight: 16 * MiB,
  /** Cancels of one session: their answers cost no rows, and are remembered until the user's next tail. */
  cancelsPerSession: 1024,
  /** Rows of one request, of one commitment batch. */
  rowsPerRequest: 256,
  rowsPerBatch: 1024,
  /** Answered and not yet accepted by both: rows of one session, bytes of x and y of one session, bytes of all. */
  outstandingRows: 8_192,
  outstandingBytes: 256 * MiB,
  outstandingBytesAll: 1 * GiB,
  /** Bytes of rows of broken sessions that a side has in memory alone until they are settled: without them it settles as after a restart. */
  restBytesAll: 256 * MiB,
  /** Bytes of x that one bundle covers, and that a contributor keeps in all sessions until they are proved. */
  bundleInputBytes: 1 * GiB,
  heldInputBytesAll: 4 * GiB,
  /** Announcements a minute of one feed, of one owner. */
  announcementsPerFeed: 30,
  announcementsPerOwner: 60,
  /** Signature checks a second for gossip, in all and of one forwarding peer (noble takes 2 ms each). */
  gossipSignatures: 50,
  gossipSignaturesPerPeer: 20,
  /**
   * Messages a second of one forwarding peer that are not accepted, before it is not listened to for some seconds: gossipsub remembers each
   * of them for `gossipSeenTtl`. Honest peers forward what they have accepted.
   */
  gossipRefusedPerPeer: 100,
  /** Announcements of adapters without a verified manifest: a second in all; milliseconds between two of one feed. */
  unknownAdapterAnnouncements: 2,
  unknownAdapterFeedInterval: 10 * SECOND,
  /** Manifests fetched for gossip: number and bytes a minute. */
  gossipManifests: 8,
  gossipManifestBytes: 32 * MiB,
  /** Entries of their certificates a minute (FORMAT_LIMITS.certifiedEntries): some 3 seconds of one core. */
  gossipManifestEntries: 2 ** 23,
  /** Announcements whose adapter and feed a verifier looks at: in all, of one owner, of adapters whose manifest is not here. */
  verifierQueue: 1024,
  verifierQueuePerOwner: 64,
  verifierQueueUnknown: 64,
  /** Peers asked for heads of feeds in an hour: each answer may cost a signature check a feed, and what one hides another tells. */
  catchUpPeersPerHour: 8,
  /** Feeds that wait to be caught up with: in all, of one owner, of adapters whose manifest is not here. Those beyond are told again. */
  catchUpFeeds: 2048,
  catchUpFeedsPerOwner: 16,
  catchUpFeedsUnknown: 128,
  /** Announcements of one feed that are filled in at a time, the latest. */
  catchUpAnnouncements: 1024,
  /**
   * Milliseconds for which announcements of a feed bring nobody to look for what is missing before them, when nobody asked had it: a look
   * reads up to `catchUpAnnouncements` places and asks up to three peers, and a feed with a hole in it could make both with each one.
   */
  catchUpPause: MINUTE,
  /** Announced bundles that wait to be verified, and points that verifying them goes through: some minute and a half of one core. */
  backlogBundles: 1024,
  backlogPoints: 2 ** 22,
  /** Milliseconds by which an announcement's time may differ from ours. */
  clockSkew: 10 * MINUTE,
  /** Bytes of one gossip RPC, and buffered for one peer. */
  gossipRpcBytes: 1 * MiB,
  gossipOutboundBytes: 4 * MiB,
  /** Bytes of gossip from one peer a second for ever, and at once; each message counts for 256 more. Fifty announcements have 45 KiB. */
  gossipBytesPerSecond: 256 * KiB,
  gossipBytes: 8 * MiB,
  /** Milliseconds for which a message identifier is remembered. */
  gossipSeenTtl: 25 * MINUTE,
  /** Bytes of one piece of a fetch; least rate in bytes a second; longest time; holders tried. */
  fetchPieceBytes: 256 * KiB,
  fetchBytesPerSecond: 32 * KiB,
  fetchHolders: 3,
  /** Announcements in one answer to a feed request. */
  feedAnnouncements: 256,
  /** Providers taken from one DHT lookup, dialled at a time. */
  providers: 60,
  providersAtOnce: 4,
  /** What is kept of others: bytes and milliseconds. */
  keptBundleBytes: 10 * GiB,
  keptBundleAge: 30 * 24 * 60 * MINUTE,
  keptAnnouncementBytes: 1 * GiB,
  keptAnnouncementAge: 90 * 24 * 60 * MINUTE,
  /** Milliseconds for which what was signed in a session is kept at most. */
  keptJournalAge: 30 * 24 * 60 * MINUTE,
  keptManifestBytes: 4 * GiB,
  /** What opens rows of own sessions, where it is kept at all: some 13,000 rows of q, k and v at 768, some 4,500 at 4096. */
  keptRowBytes: 256 * MiB,
  keptRowAge: 30 * 24 * 60 * MINUTE,
  keptEvidenceBytes: 256 * MiB,
  /** Records of evidence that was verified here, with its bytes or without: at most some 1 KiB each, also in memory. */
  keptConvictions: 16_384
} as const

/** Milliseconds after which a wait ends. */
export const TIMEOUTS = {
  dial: 10 * SECOND,
  /** open until accept. */
  open: 10 * SECOND,
  /** rows until deltas, beside the time of the bytes at `fetchBytesPerSecond`. */
  answer: 30 * SECOND,
  /** rows answered until both committed. */
  batch: 60 * SECOND,
  /** a session without any message. */
  idle: 10 * MINUTE,
  /** proof until receipt. */
  receipt: 10 * MINUTE,
  /** a broken session until it is proved without its user */
  unsettled: 10 * MINUTE,
  provide: 60 * SECOND,
  lookup: 20 * SECOND,
  fetch: 120 * SECOND
} as const

/** Rows of the extraction budget reserved durably before answers leave. */
export const BUDGET_BLOCK_ROWS = 256
