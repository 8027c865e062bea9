/** What commands end with under `--json`. */
import { z } from 'zod'
import type { ReadyEvent } from '../../daemon/daemon.js'
import type { WireError } from '../../daemon/control/messages.js'
import type { inspectBaseModel } from '../../roles/base-model.js'
import type { FindResult, GenerateResult, LossResult, StatusReport } from '../../roles/types.js'
import { adapterInfo, count, hash, hex, milliseconds, named, ownAdapterInfo, peerId, sessionInfo, verifyReport } from './proofs.js'

const role = z.enum(['contributor', 'user', 'verifier', 'bootstrap'])
const counts = z.record(z.string(), count)

/** What a command writes instead of its result when it fails. */
export const failure = named(
  'Failure',
  z.strictObject({ code: z.string(), name: z.string(), message: z.string() }) satisfies z.ZodType<WireError>,
  'An error: code and name for programs, the message is the sentence that people see.'
)

export const initResult = z.strictObject({
  peerId,
  identityMade: z.boolean().describe('false: the key was there'),
  keyFile: z.string(),
  configFile: z.string(),
  dataDir: z.string()
})

export const ready = z.strictObject({
  type: z.literal('ready'),
  version: z.string(),
  pid: count,
  peerId,
  roles: z.array(role).readonly(),
  multiaddrs: z.array(z.string()),
  dataDir: z.string(),
  socket: z.string().describe('path of the control socket'),
  http: z.string().nullable().describe('where HTTP is answered; null: it is off'),
  adapters: z.array(ownAdapterInfo)
}) satisfies z.ZodType<ReadyEvent>

export const inspectedModel = z.strictObject({
  id: hash.describe('base model identifier'),
  name: z.string(),
  modelType: z.string(),
  contextLength: count.nullable(),
  modules: z
    .array(
      z
        .strictObject({ name: z.string(), dIn: count, dOut: count, input: count.describe('modules with one number share their input') })
        .readonly()
    )
    .readonly()
}) satisfies z.ZodType<ReturnType<typeof inspectBaseModel>>

export const findResult = z.strictObject({
  found: z.array(
    z.strictObject({
      adapter: adapterInfo,
      peer: peerId,
      multiaddrs: z.array(z.string()),
      roundTrip: milliseconds.nullable().describe('milliseconds of a ping'),
      tokenCost: z
        .strictObject({
          bytes: count.describe('of activations and, at most, of deltas'),
          roundTrips: count.describe('one after the other: groups of the adapter'),
          bytesPerSecond: z.number().nullable().describe('measured with up to 256 KiB of the manifest; null: it could not be'),
          seconds: z.number().nullable().describe('estimated; without the time of the model and of the contributor')
        })
        .describe('what the network adds to a token'),
      rowsLeft: count.nullable().describe('null: no limit'),
      listedOnly: z.boolean(),
      maxRows: count.describe('of one session'),
      verifiedSessions: count.describe('sessions of this adapter that were verified here'),
      evidence: hash.nullable().describe('identifier of evidence against its owner: it is not chosen')
    })
  ),
  elapsed: milliseconds.describe('milliseconds'),
  connected: count.describe('peers connected at its end'),
  providersTried: count,
  providersAnswered: count
}) satisfies z.ZodType<FindResult>

export const generateResult = z.strictObject({
  text: z.string(),
  tokens: z.array(count),
  finishReason: z.enum(['eos', 'length', 'stop', 'abort']),
  sessions: z.array(sessionInfo)
}) satisfies z.ZodType<GenerateResult>

export const lossResult = z.strictObject({
  tokens: count,
  base: z.number().describe('mean next-token cross entropy, nats'),
  adapted: z.number().nullable().describe('null without adapters'),
  sessions: z.array(sessionInfo)
}) satisfies z.ZodType<LossResult>

export const exported = z.strictObject({ id: hex.describe('as it was asked for'), bytes: count, file: z.string() })

export const openedFile = z.strictObject({ id: hex.describe('as it was asked for'), row: count, bytes: count, file: z.string() })

export const verified = z.strictObject({ verdict: z.enum(['valid', 'invalid', 'unchecked']), reports: z.array(verifyReport) })

const connected = z.strictObject({
  peer: peerId,
  roles: z.array(role),
  multiaddrs: z.array(z.string()),
  direction: z.enum(['inbound', 'outbound'])
})

export const peers = z.array(connected)

export const statusReport = z.strictObject({
  peerId,
  roles: z.array(role),
  multiaddrs: z.array(z.string()),
  version: z.string(),
  uptime: milliseconds.describe('milliseconds'),
  reachability: z.strictObject({
    state: z.enum(['reachable', 'unconfirmed', 'unreachable']).describe('whether others can dial it, as far as it can know'),
    why: z.string()
  }),
  clockSkew: z
    .strictObject({ milliseconds: z.number().nullable(), peers: count })
    .describe('how far announcements are ahead of this clock: the median over so many peers; null: none came'),
  peers,
  mesh: counts.describe('peers in the gossip mesh of each topic, 0 to f'),
  adapters: z.array(ownAdapterInfo),
  sessions: z
    .strictObject({ open: count, proving: count, announced: count, proved: count, broken: count, failed: count })
    .describe('how many in each state'),
  proofsOwed: count.describe('sessions served here that are not proved yet'),
  proofsAwaited: count.describe('own sessions whose proof has not come yet'),
  receiptsMissing: count.describe('bundles proved here that the user has not signed for'),
  outstandingRows: z
    .strictObject({ contributor: count, user: count })
    .describe('answered and not yet accepted by this side: of sessions served, and of those in which it asks'),
  announcements: z.strictObject({
    accepted: count,
    ignored: counts.describe('by reason'),
    rejected: counts.describe('by reason')
  }),
  verdicts: z.strictObject({ announced: count, valid: count, invalid: count, unavailable: count }),
  feeds: count.describe('announcing keys that are known'),
  feedGaps: z
    .strictObject({ announcements: count, feeds: count })
    .describe('announcements that are known to be missing in them, and in how many'),
  backlog: z.strictObject({
    announcements: count.describe('waiting or worked on'),
    bundles: count.describe('among them those that wait to be verified'),
    points: count.describe('what verifying these goes through'),
    skipped: count.describe('left announced under load, since the start')
  }),
  verifier: z
    .strictObject({ share: z.number(), used: z.number(), threads: count, busy: milliseconds.describe('milliseconds, since the start') })
    .describe('part of the time of its threads that verifying announced bundles may take, and took in the last ten seconds'),
  refusals: z
    .strictObject({ sent: counts, received: counts })
    .describe('sessions refused or broken off since the start, by the name of the code'),
  limits: counts.describe('how often each limit was hit, by its name in limits.ts'),
  timeouts: counts.describe('how often a wait ended by its time, by its name in limits.ts'),
  store: counts.describe('bytes kept, by kind')
}) satisfies z.ZodType<StatusReport>
