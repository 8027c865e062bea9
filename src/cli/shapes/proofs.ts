/** Adapters, sessions and proofs as `--json` writes them. */
import { z } from 'zod'
import type { AdapterInfo, EvidenceInfo, OwnAdapterInfo, ProofRange, SessionInfo, VerdictInfo, VerifyReport } from '../../roles/types.js'

/** A shape with a name of its own in docs/commands.md. */
export const named = <T extends z.ZodType>(id: string, schema: T, description: string): T => schema.meta({ id, description }) as T

export const count = z.number().int().min(0)
export const hex = z.string().regex(/^[0-9a-f]+$/)
/** 32 bytes. */
export const hash = z.string().regex(/^[0-9a-f]{64}$/)
export const peerId = z.string().min(1)
export const milliseconds = z.number().min(0)

const adapterModule = z.strictObject({ name: z.string(), dOut: count, rank: count })

const adapterFields = {
  id: hash.describe('adapter identifier'),
  name: z.string(),
  base: hash.describe('base model identifier'),
  baseName: z.string(),
  owner: hash.describe('public key of the owner'),
  activationBits: count,
  weightBits: count,
  groups: z.array(z.strictObject({ dIn: count, modules: z.array(adapterModule) })).describe('modules that share an input'),
  manifestBytes: count
}

export const adapterInfo = named(
  'AdapterInfo',
  z.strictObject(adapterFields) satisfies z.ZodType<AdapterInfo>,
  'What a manifest says in public.'
)

export const ownAdapterInfo = named(
  'OwnAdapterInfo',
  z.strictObject({
    ...adapterFields,
    mode: z.enum(['open', 'listed']),
    allow: z.array(peerId).describe('peers that are served when listed'),
    limitRows: count.nullable().describe('rows of each group answered at most, over all peers; null: no limit'),
    budget: z.array(
      z.strictObject({
        group: count,
        answered: count.describe('rows answered or reserved, over all peers'),
        extraction: count.describe('rows at which an ideal attacker could know all of A'),
        matrixB: count.describe('rows after which B can be known')
      })
    ),
    added: count.describe('milliseconds since 1970'),
    origin: z
      .strictObject({ folder: z.string(), fingerprint: hex.describe('hash of content and terms') })
      .optional()
      .describe('from what it was registered')
  }) satisfies z.ZodType<OwnAdapterInfo>,
  'An adapter that this node serves.'
)

export const sessionInfo = named(
  'SessionInfo',
  z.strictObject({
    session: hash,
    role: z.enum(['user', 'contributor']),
    adapter: hash,
    adapterName: z.string(),
    base: hash,
    peer: peerId.describe('the other side'),
    state: z.enum(['open', 'proving', 'announced', 'proved', 'broken', 'failed']),
    rows: count.describe('committed by both'),
    root: hash.nullable().describe('of the bundle, once there is one'),
    digest: hash.nullable(),
    bundleBytes: count.nullable(),
    times: z
      .strictObject({ commit: milliseconds.nullable(), prove: milliseconds.nullable(), verify: milliseconds.nullable() })
      .describe('milliseconds'),
    started: count.describe('milliseconds since 1970'),
    error: z.string().nullable().describe('why it failed, in a sentence')
  }) satisfies z.ZodType<SessionInfo>,
  'A session that this node took part in.'
)

export const verdictInfo = named(
  'VerdictInfo',
  z.strictObject({
    digest: hash,
    root: hash,
    session: hash,
    adapter: hash,
    adapterName: z.string().nullable(),
    rows: count,
    bundleBytes: count,
    verdict: z.enum(['announced', 'valid', 'invalid', 'unavailable']),
    error: z.string().nullable(),
    elapsed: milliseconds.nullable().describe('milliseconds of the verification'),
    announced: count.describe('milliseconds since 1970'),
    checked: count.nullable().describe('milliseconds since 1970'),
    contributor: hash.describe('public key'),
    userSigned: z.boolean()
  }) satisfies z.ZodType<VerdictInfo>,
  'A bundle that was announced, and what came of it.'
)

const proofRange = named(
  'ProofRange',
  z.strictObject({
    session: hash,
    adapter: hash,
    base: hash,
    contributorKey: hash,
    userKey: hash,
    start: count.describe('first row'),
    end: count.describe('the row after the last'),
    root: hash,
    digest: hash,
    rowsPerGroup: z.array(z.strictObject({ group: count, rows: count })),
    closed: z.boolean().describe('both closed, and no row is missing after the end'),
    bundleBytes: count
  }) satisfies z.ZodType<ProofRange>,
  'The rows that one bundle proves.'
)

export const verifyReport = named(
  'VerifyReport',
  z.strictObject({
    source: z.string().describe('the file, root or digest'),
    verdict: z.enum(['valid', 'invalid', 'unchecked']),
    error: z.string().nullable().describe('for invalid and unchecked: which step, and a sentence'),
    adapter: adapterInfo.nullable(),
    ranges: z.array(proofRange),
    whole: z.boolean().describe('from row 0 to the end without a gap, closed by both'),
    row: z
      .strictObject({
        number: count,
        group: count,
        position: count,
        modules: z.array(adapterModule).describe('whose outputs stand in y one after the other'),
        x: z.array(z.number()).describe('integers'),
        y: z.array(z.number()).describe('integers')
      })
      .nullable()
      .describe('of a row file: the row that it shows'),
    elapsed: z.strictObject({ manifest: milliseconds, bundles: milliseconds }).describe('milliseconds')
  }) satisfies z.ZodType<VerifyReport>,
  'What was found out about one proof.'
)

export const evidenceInfo = named(
  'EvidenceInfo',
  z.strictObject({
    id: hash.describe('identifier'),
    kind: z.enum(['feed fork', 'session fork', 'rows after closing', 'invalid bundle']),
    key: hash.describe('the contributor key that it convicts'),
    owners: z.array(hash).readonly().describe('who delegated to that key'),
    adapter: hash,
    reason: z.string().describe('in words'),
    bytes: count,
    kept: z.boolean().describe('false: its bytes went for want of room, what they showed is remembered'),
    added: count.describe('when it was verified here, milliseconds since 1970')
  }) satisfies z.ZodType<EvidenceInfo>,
  'What shows that a contributor broke its word.'
)
