/**
 * What both sides agree to before the first row (protocols/session, open, accept, begin): the context, and two signatures over it
 * and both libp2p peers, so that nobody can stand between them under another peer's name.
 */
import { equal } from '../../bytes.js'
import { InvalidProofError, LimitExceededError, MalformedMessageError, ProtocolViolationError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import {
  checkScales,
  decodeDelegation,
  type Delegation,
  type Manifest,
  type SessionContext,
  sessionId,
  sign,
  verifyDelegation,
  verifySignature
} from '../../proof/index.js'
import { LABELS } from '../labels.js'
import { type Accept, encodeUnsignedAccept, type Open } from '../messages/messages.js'

/** Seconds by which `started` may differ from the user's clock. */
const STARTED_SKEW = 600n
/** Bytes of a float64. */
const F64 = 8

/** Both ends of the connection: bytes of the libp2p peer identifiers. */
export interface Peers {
  readonly user: Uint8Array
  readonly contributor: Uint8Array
}

/** What is agreed. */
export interface Terms {
  readonly context: SessionContext
  readonly session: Uint8Array
  readonly open: Open
  readonly accept: Accept
  readonly peers: Peers
  /** Hash of the accept message without its signature. */
  readonly hash: Uint8Array
}

/** @param accept its signature is not looked at */
export function agree(given: { readonly open: Open; readonly accept: Accept; readonly manifest: Manifest; readonly peers: Peers }): Terms {
  const { open, accept, manifest, peers } = given
  const context: SessionContext = {
    userNonce: open.nonce,
    contributorNonce: accept.nonce,
    userKey: open.sessionKey,
    contributorKey: accept.key,
    adapter: open.adapter,
    base: open.base,
    started: accept.started,
    activationBits: manifest.activationBits,
    weightBits: manifest.weightBits,
    rows: accept.rows,
    groups: open.groups,
    delegation: accept.delegation.length === 0 ? undefined : decodeDelegation(accept.delegation)
  }
  return { context, session: sessionId(context), open, accept, peers, hash: hash(LABELS.terms, encodeUnsignedAccept(accept)) }
}

/** The contributor's signature over the terms. */
export function signAccept({ session, peers, hash }: Terms, secretKey: Uint8Array): Uint8Array {
  return sign(secretKey, LABELS.signAccept, session, peers.contributor, peers.user, hash)
}

/** The user's. */
export function signBegin({ session, peers, hash }: Terms, secretKey: Uint8Array): Uint8Array {
  return sign(secretKey, LABELS.signBegin, session, peers.user, peers.contributor, hash)
}

/** @throws InvalidProofError('signature') */
export function checkBegin({ session, peers, hash, context }: Terms, signature: Uint8Array): void {
  if (!verifySignature(context.userKey, signature, LABELS.signBegin, session, peers.user, peers.contributor, hash)) {
    throw new InvalidProofError('signature', "the user's signature over the terms does not verify")
  }
}

/**
 * What the user checks before the first row.
 * @param now seconds since 1970, this node's clock
 * @returns the scales of the manifest's modules, in order
 * @throws InvalidProofError, ProtocolViolationError, LimitExceededError, MalformedMessageError
 */
export function checkAccept(terms: Terms, manifest: Manifest, now: bigint): Float64Array {
  const { accept, open, context, session, peers } = terms
  if (!equal(manifest.id, open.adapter) || !equal(manifest.base, open.base)) {
    throw new ProtocolViolationError('the session was opened for another adapter than the manifest at hand')
  }
  checkKey(manifest, context, context.delegation)
  const skew = accept.started > now ? accept.started - now : now - accept.started
  if (skew > STARTED_SKEW) {
    throw new ProtocolViolationError(`the contributor says that the session started ${skew} s from now; compare both clocks`)
  }
  if (accept.rows > open.rows) throw new LimitExceededError('rows of accept', accept.rows, open.rows, 'where so many were asked for')
  const scales = readScales(accept.scales, manifest)
  checkScales(manifest, accept.salt, scales)
  if (!verifySignature(accept.key, accept.signature, LABELS.signAccept, session, peers.contributor, peers.user, terms.hash)) {
    throw new InvalidProofError('signature', "the contributor's signature over the terms does not verify: somebody may stand in between")
  }
  return scales
}

/** The contributor's key is the owner's, or has its delegation. */
function checkKey(manifest: Manifest, context: SessionContext, delegation: Delegation | undefined): void {
  if (delegation === undefined) {
    if (!equal(context.contributorKey, manifest.owner)) {
      throw new InvalidProofError('delegation', "the contributor signs with a key that is neither the owner's nor delegated by it")
    }
    return
  }
  if (equal(context.contributorKey, manifest.owner)) {
    throw new InvalidProofError('delegation', "the delegation is to the owner's own key, which no bundle may have")
  }
  if (!verifyDelegation(manifest.owner, manifest.id, context.contributorKey, delegation)) {
    throw new InvalidProofError('delegation', "the owner's signature over the delegation does not verify")
  }
  if (context.started > delegation.expiry) {
    throw new InvalidProofError('delegation', `the delegation expired at ${delegation.expiry} (seconds since 1970)`)
  }
}

function readScales(bytes: Uint8Array, manifest: Manifest): Float64Array {
  const modules = manifest.groups.reduce((sum, group) => sum + group.modules.length, 0)
  if (bytes.length !== modules * F64) throw new MalformedMessageError(`accept has ${bytes.length / F64} scales for ${modules} modules`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const scales = Float64Array.from({ length: modules }, (_, m) => view.getFloat64(m * F64, true))
  const wrong = scales.find(scale => !(scale > 0 && Number.isFinite(scale)))
  if (wrong !== undefined) throw new ProtocolViolationError(`a scale is ${wrong}; scales are finite and above zero`)
  return scales
}

/** f64 for each module. */
export function packScales(scales: readonly number[]): Uint8Array {
  const out = new Uint8Array(scales.length * F64)
  const view = new DataView(out.buffer)
  scales.forEach((scale, m) => view.setFloat64(m * F64, scale, true))
  return out
}
