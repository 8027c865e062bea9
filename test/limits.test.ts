/** Every limit of limits.ts has a test that reaches it: where it is, by its name. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { COUNTED_LIMITS, COUNTED_TIMEOUTS } from '../src/counters.js'
import { FORMAT_LIMITS, NET_LIMITS, TIMEOUTS } from '../src/limits.js'

/** File below test/, and the test's title or how it begins. */
type Reached = readonly [file: string, title: string]

const FORMAT: Record<keyof typeof FORMAT_LIMITS, Reached> = {
  groups: ['session/messages', 'open with 513 groups'],
  modules: ['lora/peft', 'more modules than a manifest can have are refused before the patterns are held against them'],
  rank: ['lora/peft', 'a rank beyond the limit is refused with the module'],
  rankSum: ['proof/manifest', 'bits, counts and widths in a manifest stay in their range'],
  dIn: ['proof/manifest', 'bits, counts and widths in a manifest stay in their range'],
  groupOutputs: ['lora/groups', 'a group that would be wider than a manifest allows is split'],
  certifiedEntries: ['proof/manifest', 'an adapter whose manifest would be too long is refused before anything is computed'],
  adapterNameBytes: ['proof/manifest', 'names in a manifest have 1 to so many bytes of UTF-8 without control characters'],
  nameBytes: ['proof/manifest', 'names in a manifest have 1 to so many bytes of UTF-8 without control characters'],
  manifestBytes: ['proof/manifest', 'an adapter whose manifest would be too long is refused before anything is computed'],
  bundleRows: ['proof/bundle', 'bundles beyond the limits are refused before anything is read'],
  bundleBytes: ['proof/bundle', 'a bundle of more than 4 MiB is refused with what to do'],
  proofFileBytes: ['proof/bundle', 'a proof file beyond its bound is neither written nor read'],
  announcementBytes: ['net/validator', 'more than 640 bytes are rejected'],
  activationBits: ['proof/manifest', 'bits, counts and widths in a manifest stay in their range'],
  weightBits: ['proof/manifest', 'bits, counts and widths in a manifest stay in their range']
}

const NET: Record<keyof typeof NET_LIMITS, Reached> = {
  sessionsPerPeer: ['net/slots', 'a peer has so many streams'],
  sessions: ['net/slots', 'of 64 sessions one without progress for a minute'],
  sessionIdleInNeed: ['net/slots', 'of 64 sessions one without progress for a minute'],
  sessionTakeovers: ['net/slots', 'one host pushes out so many sessions in a minute'],
  openBytes: ['network/session-manners', 'a stream that begins with more than open can have'],
  fetchesPerPeer: ['net/fetch/places', 'more streams than allowed of one peer are told that the node is busy'],
  fetches: ['net/fetch/places', 'more streams than allowed of all peers are told that the node is busy'],
  frameBytes: ['network/session-manners', 'a frame beyond 1 MiB ends the session by its length alone'],
  windowBytes: ['net/streams', 'while nobody reads, no more than the window and 256 KiB are taken from the sender'],
  unreadBytes: ['net/streams', 'while nobody reads, no more than the window and 256 KiB are taken from the sender'],
  unsentBytes: ['net/limits', 'what is handed over beyond 4 MiB and not read ends the stream'],
  connectionUnsentBytes: ['network/guards', 'what waits for a peer that reads nothing'],
  connections: ['net/room', 'a place is kept free'],
  handshakes: ['network/guards', 'handshakes of one host'],
  handshakesPerHost: ['network/guards', 'handshakes of one host'],
  connectionsPerHost: ['net/guard', 'connections of one host are bounded, those of another are not'],
  privateHostFactor: ['network/guards', 'handshakes of one host'],
  smallFrameBytes: ['net/guard', 'frames that carry little are counted'],
  smallFramesPerSecond: ['net/guard', 'frames that carry little are counted'],
  smallFrames: ['net/guard', 'frames that carry little are counted'],
  streamsPerSecond: ['net/guard', 'streams that are opened are counted'],
  streams: ['net/guard', 'streams that are opened are counted'],
  queriesPerSecond: ['network/guards', 'queries of the DHT beyond their rate'],
  queries: ['network/guards', 'queries of the DHT beyond their rate'],
  queryBytes: ['network/guards', 'queries of the DHT that are too long'],
  queryAnswerBytes: ['network/guards', 'answers of the DHT that are too long'],
  providerRecords: ['net/kept-providers', 'of too many records in all'],
  providerRecordsPerPeer: ['net/kept-providers', 'of one peer’s provider records the oldest goes'],
  providerRecordsPerKey: ['net/kept-providers', 'a key has at most so many providers'],
  addressesPerPeer: ['network/guards', 'the DHT stores no values'],
  knownPeers: ['net/known-peers', 'peers that nobody hears of are forgotten'],
  knownPeerAge: ['net/known-peers', 'peers that nobody hears of are forgotten'],
  queryCloserPeers: ['net/guard', 'an answer of the DHT names at most so many peers'],
  identifyBytes: ['network/guards', 'answers of the DHT that are too long'],
  sendAheadBytes: ['net/streams', 'while nobody reads, no more than the window and 256 KiB are taken from the sender'],
  requestsInFlight: ['session/limits', 'a user has 32 requests in flight'],
  requestBytesInFlight: ['session/limits', 'a contributor takes 16 MiB of x in flight'],
  cancelsPerSession: ['session/cancel', 'a session takes 1,024 cancels, none of which is progress, and its user asks for no more'],
  rowsPerRequest: ['session/messages', 'rows with 257 rows'],
  rowsPerBatch: ['session/limits', 'a batch of commitments has 1,024 rows'],
  outstandingRows: ['session/bounds', 'the contributor answers no further rows while too many are not accepted'],
  outstandingBytes: ['session/bounds', 'the user commits at the latest when half of what may be outstanding is'],
  outstandingBytesAll: ['network/session-manners', 'more than it can hold for all'],
  restBytesAll: ['roles/settling/rests', 'what is known of broken sessions in memory alone is bounded'],
  bundleInputBytes: ['session/limits', 'a session has as many rows as one bundle holds'],
  heldInputBytesAll: ['network/floods', 'rows kept for the proofs of all sessions are bounded'],
  announcementsPerFeed: ['net/validator', 'the 31st announcement of a feed within a minute is ignored'],
  announcementsPerOwner: ['net/validator', 'the 61st announcement of an owner within a minute is ignored'],
  gossipSignatures: ['net/validator', 'the 51st signature check of a second is not made'],
  gossipSignaturesPerPeer: ['net/validator', 'what is rejected does not use up the feed’s rate, but the checks of the peer'],
  gossipRefusedPerPeer: ['network/gossip-attacks', 'a flood of 1,000 messages a second'],
  unknownAdapterAnnouncements: ['net/validator', 'of adapters without a verified manifest two a second pass'],
  unknownAdapterFeedInterval: ['net/validator', 'of adapters without a verified manifest two a second pass'],
  gossipManifests: ['network/verifier/load', 'so many manifests may be fetched for gossip in a minute, others wait'],
  gossipManifestBytes: ['network/verifier/load', 'long manifests use up what gossip may cost in a minute'],
  gossipManifestEntries: ['network/verifier/load', 'manifests that take long to check use up what gossip may cost in a minute'],
  verifierQueue: ['network/verifier/load', 'beyond the bound of the queue, and of unknown adapters in it, announcements are dropped'],
  verifierQueuePerOwner: ['network/verifier/load', 'one owner fills its own share of the queue'],
  verifierQueueUnknown: [
    'network/verifier/load',
    'beyond the bound of the queue, and of unknown adapters in it, announcements are dropped'
  ],
  catchUpPeersPerHour: ['roles/catch-up', 'so many peers are asked for heads in an hour'],
  catchUpFeeds: ['roles/catch-up', 'feeds that are caught up with are bounded, in all and of one owner'],
  catchUpFeedsPerOwner: ['roles/catch-up', 'feeds that are caught up with are bounded, in all and of one owner'],
  catchUpFeedsUnknown: ['roles/catch-up', 'of adapters whose manifest is not here so many heads wait'],
  catchUpAnnouncements: ['roles/catch-up', 'announcements of a feed with a hole that nobody fills make nobody look for it each time'],
  catchUpPause: ['roles/catch-up', 'announcements of a feed with a hole that nobody fills make nobody look for it each time'],
  backlogBundles: ['roles/verifying/backlog', 'what there is room for is verified, and the rest is counted'],
  backlogPoints: ['roles/verifying/backlog', 'cost is counted in points'],
  clockSkew: ['net/validator', 'ten minutes and a millisecond ago is ignored'],
  gossipRpcBytes: ['net/limits', 'who sends a gossip message of more than 1 MiB is listened to no more'],
  gossipOutboundBytes: ['net/limits', 'gossip for a peer that does not read is bounded'],
  gossipBytesPerSecond: ['network/guards', 'gossip beyond what a peer may send'],
  gossipBytes: ['network/guards', 'gossip beyond what a peer may send'],
  gossipSeenTtl: ['net/validator', 'hashes of accepted announcements are forgotten after the seen time'],
  fetchPieceBytes: ['attack/bounds', 'pieces of a transfer are refused at once when they are empty, too long'],
  fetchBytesPerSecond: ['net/fetch/transfers', 'a transfer below the least rate is given up'],
  fetchHolders: ['net/fetch/fetch', 'at most three holders are tried'],
  feedAnnouncements: ['net/fetch/fetch', 'feeds come in order with chain and signatures checked'],
  providers: ['network/discovery', 'of more providers than are taken four are asked at a time'],
  providersAtOnce: ['network/discovery', 'of more providers than are taken four are asked at a time'],
  keptBundleBytes: ['store/store', 'of others’ bundles the oldest go beyond the bound'],
  keptBundleAge: ['store/store', 'others’ data goes when it is too old'],
  keptAnnouncementBytes: ['store/feeds', 'beyond the bound a feed keeps its newest part with the head'],
  keptAnnouncementAge: ['store/feeds', 'what is older than announcements are kept is not taken'],
  keptJournalAge: ['session/settling', 'what was signed in a session that nobody settles is kept for 30 days'],
  keptRowBytes: ['store/rows', 'rows kept stay within their bound, the oldest go first, and all go with time'],
  keptRowAge: ['store/rows', 'rows kept stay within their bound, the oldest go first, and all go with time'],
  keptEvidenceBytes: ['store/evidence', 'beyond the bound in bytes the oldest of whoever has the most go, and who has one keeps it'],
  keptConvictions: ['store/evidence', 'of convictions so many are remembered'],
  keptManifestBytes: ['store/store', 'of others’ manifests the oldest go beyond the bound']
}

const TIMES: Record<keyof typeof TIMEOUTS, Reached> = {
  dial: ['network/discovery', 'an address where nobody speaks costs at most the time of a dial'],
  open: ['network/session-manners', 'a peer that never answers costs the time to open a session'],
  answer: ['network/session-manners', 'a contributor that stops answering costs the time of an answer'],
  batch: ['network/waits', 'a contributor that answers rows and never commits to them'],
  idle: ['network/session-manners', 'a user that says nothing after the terms is told the code'],
  receipt: ['network/waits', 'a user that gives no receipt costs its time'],
  unsettled: ['network/settling', 'a session that nobody settles is proved and announced by the contributor alone'],
  provide: ['network/discovery', 'a record that nobody can be told of costs its time'],
  lookup: ['network/discovery', 'a lookup ends with the caller’s signal, and with its own time'],
  fetch: ['net/fetch/transfers', 'a transfer that takes too long is given up']
}

/**
 * Where a test makes a node hit it and reads the figure, or why it is not counted. Bounds of the formats are not here: beyond them an
 * input is invalid for everybody, which a file's reader is told, and which is counted as a rejection or as a session's code.
 */
type Counted = { readonly file: string } | { readonly because: string }

const read = (file: string): Counted => ({ file })
const not = (because: string): Counted => ({ because })

const COUNTED: Record<keyof typeof NET_LIMITS | keyof typeof TIMEOUTS, Counted> = {
  sessionsPerPeer: read('network/session-manners'),
  sessions: read('network/session-manners'),
  sessionIdleInNeed: read('network/places'),
  sessionTakeovers: read('net/slots'),
  openBytes: read('network/session-manners'),
  fetchesPerPeer: read('net/fetch/places'),
  fetches: read('net/fetch/places'),
  frameBytes: read('network/session-manners'),
  windowBytes: not('the muxer closes the window of every stream that is read slowly, and opens it again: no event tells'),
  unreadBytes: read('net/streams'),
  unsentBytes: read('net/limits'),
  connectionUnsentBytes: read('network/guards'),
  connections: read('net/room'),
  handshakes: read('net/libp2p-log'),
  handshakesPerHost: read('network/guards'),
  connectionsPerHost: read('net/guard'),
  privateHostFactor: not('it makes those of one host wider'),
  smallFrameBytes: not('it says which frames are small'),
  smallFramesPerSecond: not('it is how smallFrames grows again'),
  smallFrames: read('net/guard'),
  streamsPerSecond: not('it is how streams grows again'),
  streams: read('network/guards'),
  queriesPerSecond: not('it is how queries grows again'),
  queries: read('network/guards'),
  queryBytes: read('network/guards'),
  queryAnswerBytes: read('network/guards'),
  queryCloserPeers: read('net/guard'),
  identifyBytes: read('network/guards'),
  keptConvictions: read('store/evidence'),
  providerRecords: read('net/kept-providers'),
  providerRecordsPerPeer: read('net/kept-providers'),
  providerRecordsPerKey: read('net/kept-providers'),
  addressesPerPeer: read('network/guards'),
  knownPeers: read('net/known-peers'),
  knownPeerAge: read('net/known-peers'),
  cancelsPerSession: read('session/cancel'),
  sendAheadBytes: not('every frame that is longer waits for it, which is its purpose'),
  requestsInFlight: read('network/session-manners'),
  requestBytesInFlight: read('session/limits'),
  rowsPerRequest: read('network/session-manners'),
  rowsPerBatch: read('network/session-manners'),
  outstandingRows: read('session/bounds'),
  outstandingBytes: read('session/bounds'),
  outstandingBytesAll: read('network/session-manners'),
  restBytesAll: read('roles/settling/rests'),
  bundleInputBytes: read('session/limits'),
  heldInputBytesAll: read('network/floods'),
  announcementsPerFeed: read('roles/status'),
  announcementsPerOwner: read('roles/status'),
  gossipSignatures: read('roles/status'),
  gossipSignaturesPerPeer: read('roles/status'),
  gossipRefusedPerPeer: read('network/gossip-attacks'),
  unknownAdapterAnnouncements: read('roles/status'),
  unknownAdapterFeedInterval: read('roles/status'),
  gossipManifests: read('network/verifier/load'),
  gossipManifestBytes: read('network/verifier/load'),
  gossipManifestEntries: read('network/verifier/load'),
  verifierQueue: read('network/verifier/load'),
  verifierQueuePerOwner: read('network/verifier/load'),
  verifierQueueUnknown: read('network/verifier/load'),
  catchUpPeersPerHour: read('roles/catch-up'),
  catchUpFeeds: read('roles/catch-up'),
  catchUpFeedsPerOwner: read('roles/catch-up'),
  catchUpFeedsUnknown: read('roles/catch-up'),
  catchUpAnnouncements: read('roles/catch-up'),
  catchUpPause: read('roles/catch-up'),
  backlogBundles: read('network/verifier/load'),
  backlogPoints: read('roles/verifying/backlog'),
  clockSkew: read('roles/status'),
  gossipRpcBytes: read('net/limits'),
  gossipOutboundBytes: read('net/limits'),
  gossipBytesPerSecond: not('it is how gossipBytes grows again'),
  gossipBytes: read('network/guards'),
  gossipSeenTtl: not('it is for how long something is remembered; nothing is refused by it'),
  fetchPieceBytes: read('attack/bounds'),
  fetchBytesPerSecond: read('net/fetch/transfers'),
  fetchHolders: read('net/fetch/fetch'),
  feedAnnouncements: read('net/fetch/fetch'),
  providers: read('network/discovery'),
  providersAtOnce: not('every lookup with more providers asks them by and by, which is its purpose'),
  keptBundleBytes: read('store/store'),
  keptBundleAge: read('store/store'),
  keptAnnouncementBytes: read('store/feeds'),
  keptAnnouncementAge: read('store/store'),
  keptJournalAge: read('session/settling'),
  keptManifestBytes: read('store/store'),
  keptRowBytes: read('store/rows'),
  keptRowAge: read('store/rows'),
  keptEvidenceBytes: read('store/evidence'),
  dial: read('network/discovery'),
  open: read('network/session-manners'),
  answer: read('network/session-manners'),
  batch: read('network/waits'),
  idle: read('network/session-manners'),
  receipt: read('network/waits'),
  unsettled: read('network/settling'),
  provide: read('network/discovery'),
  lookup: read('network/discovery'),
  fetch: read('net/fetch/transfers')
}

test('every limit and timeout is counted under its own name where it is hit, or there is a reason why not', async t => {
  const files = (await readdir('src', { recursive: true })).filter(file => file.endsWith('.ts') && file !== 'limits.ts')
  const others = files.filter(file => file !== 'counters.ts')
  const source = (await Promise.all(others.map(file => readFile(join('src', file), 'utf8')))).join('\n')
  t.deepEqual(
    [...COUNTED_LIMITS, ...COUNTED_TIMEOUTS],
    Object.entries({ ...NET_LIMITS, ...TIMEOUTS }).flatMap(([name]) =>
      'because' in COUNTED[name as keyof typeof COUNTED] ? [] : [name]
    ) as string[]
  )
  for (const [name, counted] of Object.entries(COUNTED)) {
    const isNamed = source.includes(`'${name}'`)
    if ('because' in counted) {
      t.false(isNamed, `${name} is counted after all`)
      continue
    }
    t.true(isNamed, `nothing in src names ${name}`)
    const text = await readFile(join('test', `${counted.file}.test.ts`), 'utf8')
    t.regex(text, new RegExp(`'${name}'|\\b${name}: |\\.${name}\\b`), `${counted.file} reads no figure of ${name}`)
  }
})

for (const [name, reached] of Object.entries({ ...FORMAT, ...NET, ...TIMES })) {
  test(`${name} is reached by a test`, async t => {
    const [file, title] = reached
    const source = await readFile(join('test', `${file}.test.ts`), 'utf8')
    t.true(source.includes(`('${title}`) || source.includes(`\n  '${title}`), `${file} has no test called ${title}`)
  })
}

test('every limit is held somewhere in src', async t => {
  const files = (await readdir('src', { recursive: true })).filter(file => file.endsWith('.ts') && file !== 'limits.ts')
  const source = (await Promise.all(files.map(file => readFile(join('src', file), 'utf8')))).join('\n')
  const limits = { FORMAT_LIMITS: FORMAT, NET_LIMITS: NET, TIMEOUTS: TIMES }
  for (const [table, keys] of Object.entries(limits)) {
    for (const key of Object.keys(keys)) {
      // Validator, verifier and sessions take their table over as a whole.
      const isHeld = source.includes(`${table}.${key}`) || source.includes(`this.limits.${key}`) || source.includes(`this.timeouts.${key}`)
      t.true(isHeld, `${table}.${key}`)
    }
  }
})
