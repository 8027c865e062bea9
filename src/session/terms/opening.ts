/** The first two messages of a session: what the user wants, and on which terms the contributor serves it (protocols/session). */
import { equal } from '../../bytes.js'
import { ProtocolViolationError } from '../../errors.js'
import { type CommittedAdapter, type Delegation, encodeDelegation, type Manifest, publicKeyOf, type Random } from '../../proof/index.js'
import { CODE, refusedBy, RefusalError } from '../messages/codes.js'
import { type Accept, decodeMessage, type Open } from '../messages/messages.js'
import { agree, packScales, type Peers, signAccept, type Terms } from './terms.js'

/** Bytes of nonces, secrets and keys. */
const SECRET = 32

/** What the user keeps of its opening. */
export interface Opening {
  readonly open: Open
  /** Ed25519 seed of the key made for this session. */
  readonly secretKey: Uint8Array
}

/**
 * @param groups manifest indices, strictly ascending
 * @param rows wanted at most, over all groups
 */
export function makeOpening(given: {
  readonly manifest: Manifest
  readonly groups: readonly number[]
  readonly rows: number
  readonly random: Random
}): Opening {
  const { manifest, groups, rows, random } = given
  const secretKey = random(SECRET)
  const open = {
    nonce: random(SECRET),
    chainSecret: random(SECRET),
    sessionKey: publicKeyOf(secretKey),
    adapter: manifest.id,
    base: manifest.base,
    groups,
    activationBits: manifest.activationBits,
    rows,
    credential: new Uint8Array(0)
  }
  return { open, secretKey }
}

/**
 * The terms from the contributor's first message; they are not checked yet (`checkAccept`).
 * @throws RefusedError when it refuses, MalformedMessageError, LimitExceededError, ProtocolViolationError
 */
export function takeAnswer(
  bytes: Uint8Array,
  given: { readonly open: Open; readonly manifest: Manifest; readonly peers: Peers; readonly peer: string }
): Terms {
  const message = decodeMessage(bytes)
  switch (message.kind) {
    case 'accept':
      return agree({ ...given, accept: message.value })
    case 'refuse':
      throw refusedBy(`peer ${given.peer}`, message.value.code, message.value.retryAfter)
    case 'failure':
      throw refusedBy(`peer ${given.peer}`, message.value.code)
    default:
      throw new ProtocolViolationError(`${message.kind} came instead of accept or refuse`)
  }
}

/**
 * What can be refused by open and manifest alone.
 * @param maxRows of one session
 * @throws RefusalError
 */
export function checkOpen(open: Open, manifest: Manifest, maxRows: number): void {
  if (!equal(open.base, manifest.base)) throw new RefusalError(CODE.otherBaseModel)
  if (open.groups.some(group => group >= manifest.groups.length)) throw new RefusalError(CODE.unknownGroups)
  if (open.activationBits !== manifest.activationBits) throw new RefusalError(CODE.activationBits)
  if (open.rows > maxRows) throw new RefusalError(CODE.tooManyRows)
}

export interface AcceptInit {
  readonly open: Open
  readonly adapter: CommittedAdapter
  readonly peers: Peers
  /** Ed25519 seed of the owner's key, or of the one that `delegation` names. */
  readonly secretKey: Uint8Array
  readonly delegation?: Delegation | undefined
  /** Seconds since 1970. */
  readonly started: bigint
  readonly limits: Pick<Accept, 'requests' | 'outstandingRows' | 'outstandingBytes'>
  readonly random: Random
}

/** The signed terms of a session that is served. */
export function makeAccept(init: AcceptInit): Terms {
  const { open, adapter, peers, secretKey, delegation, started, limits, random } = init
  const accept: Accept = {
    nonce: random(SECRET),
    chainSecret: random(SECRET),
    key: publicKeyOf(secretKey),
    delegation: delegation === undefined ? new Uint8Array(0) : encodeDelegation(delegation),
    started,
    rows: open.rows,
    ...limits,
    salt: adapter.salt,
    scales: packScales(adapter.quantized.groups.flatMap(({ modules }) => modules.map(({ scale }) => scale))),
    signature: new Uint8Array(0)
  }
  const terms = agree({ open, accept, manifest: adapter.manifest, peers })
  return { ...terms, accept: { ...accept, signature: signAccept(terms, secretKey) } }
}
