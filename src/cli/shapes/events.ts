/** The lines that streaming commands write under `--json` as things happen. */
import { z } from 'zod'
import type { DaemonEvent } from '../../daemon/daemon.js'
import { count, evidenceInfo, hash, milliseconds, ownAdapterInfo, peerId, sessionInfo, verdictInfo } from './proofs.js'
import { ready } from './results.js'

/** Every event by its type, except pieces of files, which are not shown. */
export const EVENTS = {
  identity: z
    .strictObject({ type: z.literal('identity'), peerId, made: z.boolean(), file: z.string() })
    .describe('the key was read, or made'),
  socket: z
    .strictObject({ type: z.literal('socket'), path: z.string(), fallback: z.string() })
    .describe('the control socket is not in the data folder, whose path is too long for it'),
  adapter: z
    .strictObject({
      type: z.literal('adapter'),
      step: z.enum(['read', 'quantise', 'commit', 'prove', 'advertise']),
      done: count,
      total: count
    })
    .describe('an adapter is being registered'),
  registered: z
    .strictObject({ type: z.literal('registered'), adapter: ownAdapterInfo, outcome: z.enum(['kept', 'added', 'replaced']) })
    .describe('it is served'),
  ready: ready.describe('everything is up'),
  find: z.strictObject({ type: z.literal('find'), tried: count, answered: count }).describe('providers were asked'),
  model: z
    .strictObject({ type: z.literal('model'), step: z.literal('open'), modules: count, stages: count, elapsed: milliseconds })
    .describe('the base model is open'),
  token: z.strictObject({ type: z.literal('token'), token: count, text: z.string() }).describe('a token was chosen'),
  window: z.strictObject({ type: z.literal('window'), done: count, total: count }).describe('a part of the text was measured'),
  commitments: z
    .strictObject({ type: z.literal('commitments'), session: hash, rows: count, accepted: count })
    .describe('rows answered, and those committed by both'),
  session: z.strictObject({ type: z.literal('session'), session: sessionInfo }).describe('a session changed'),
  verdict: z.strictObject({ type: z.literal('verdict'), verdict: verdictInfo }).describe('a bundle was announced or judged'),
  evidence: z.strictObject({ type: z.literal('evidence'), evidence: evidenceInfo }).describe('a contributor broke its word'),
  stopped: z.strictObject({ type: z.literal('stopped') }).describe('everything is closed')
} satisfies { [T in Exclude<DaemonEvent['type'], 'bytes'>]: z.ZodType<Extract<DaemonEvent, { type: T }>> }

export type EventName = keyof typeof EVENTS
export type Event = { [N in EventName]: z.infer<(typeof EVENTS)[N]> }[EventName]
