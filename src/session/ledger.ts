/**
 * What one side has said, heard and accepted: both private chains, the public one, and the tails over them. Signs this side's tails
 * and checks the other's.
 */
import { equal } from '../bytes.js'
import { InvalidProofError, ProtocolViolationError } from '../errors.js'
import { type PublicRow, signTail, type Tail, type TailRole, verifyTail } from '../proof/index.js'
import { type BatchBody, type ChainSecrets, PrivateChain, privateHash, PublicChain } from './chains.js'
import type { Batch } from './messages/messages.js'
import type { Terms } from './terms/terms.js'

/** Bytes of a commitment. */
const POINT = 32

export interface LedgerInit {
  readonly terms: Terms
  readonly role: TailRole
  /** Ed25519 seed of this side's key in the context. */
  readonly secretKey: Uint8Array
}

export class Ledger {
  readonly session: Uint8Array
  readonly publicChain: PublicChain
  /** This side's last signed tail, and the other's last checked one. */
  ownTail: Tail | undefined
  peerTail: Tail | undefined
  /** The other's last tail about rows that this side has accepted, too, and that it signed as they are. */
  heldTail: Tail | undefined

  private readonly init: LedgerInit
  private readonly own: PrivateChain
  private readonly peer: PrivateChain
  private readonly peerRole: TailRole
  private peerSeen = 0
  /** Tails about rows that this side has not accepted yet. */
  private readonly early: Tail[] = []

  constructor(init: LedgerInit) {
    this.init = init
    const { terms, role } = init
    const secrets: ChainSecrets = { user: terms.open.chainSecret, contributor: terms.accept.chainSecret }
    this.session = terms.session
    this.peerRole = role === 'user' ? 'contributor' : 'user'
    this.own = new PrivateChain(role, this.session, secrets)
    this.peer = new PrivateChain(this.peerRole, this.session, secrets)
    this.publicChain = new PublicChain(this.session)
  }

  /** A message of this side leaves. */
  sent(message: Uint8Array): void {
    this.own.append(message)
  }

  /** A message of the other side has come; a batch is checked before. */
  received(message: Uint8Array): void {
    this.peer.append(message)
    this.peer.forget(this.peer.count)
  }

  /**
   * The batch message that leaves next, signed.
   * @param rows rows that this side has answered or seen answered
   * @param accepted rows accepted by this side, of which both have sent commitments
   */
  seal(
    batch: BatchBody,
    { rows, accepted, closed }: { readonly rows: number; readonly accepted: number; readonly closed: boolean }
  ): Batch {
    const { role, secretKey } = this.init
    const { session } = this
    const seen = this.peer.count
    const tail = signTail({
      secretKey,
      role,
      session,
      tail: {
        rows,
        accepted,
        closed,
        publicHash: this.publicChain.at(accepted),
        privateHash: privateHash({
          session,
          role,
          own: { count: this.own.count, value: this.own.head },
          batch,
          seen: { count: seen, value: this.peer.head }
        })
      }
    })
    this.ownTail = tail
    this.forgetRows()
    return { ...batch, tail: { ...tail, seen } }
  }

  /**
   * Checks the tail of a batch that has just come, before `received`.
   * @param most what the sender can have answered or seen answered, and accepted
   * @throws ProtocolViolationError, InvalidProofError
   */
  check(batch: Batch, most: { readonly rows: number; readonly accepted: number }): void {
    const { seen, ...tail } = batch.tail!
    const last = this.peerTail ?? { rows: 0, accepted: 0, closed: false }
    between('rows of a tail', tail.rows, last.rows, most.rows)
    between('accepted rows of a tail', tail.accepted, last.accepted, most.accepted)
    between('messages seen of a tail', seen, this.peerSeen, this.own.count)
    if (last.closed && (!tail.closed || tail.accepted !== last.accepted || batch.commitments.length > 0)) {
      throw new ProtocolViolationError(`the ${this.peerRole} goes on after it closed at row ${last.accepted}`)
    }
    const { session, peerRole: role } = this
    const expected = privateHash({
      session,
      role,
      own: { count: this.peer.count, value: this.peer.head },
      batch,
      seen: { count: seen, value: this.own.at(seen) }
    })
    if (!equal(expected, tail.privateHash)) throw new InvalidProofError('private hash', `the ${role}'s tail is about other messages`)
    const { context } = this.init.terms
    const publicKey = role === 'user' ? context.userKey : context.contributorKey
    if (!verifyTail({ publicKey, role, session, tail }))
      throw new InvalidProofError('signature', `the ${role}'s tail is not signed by its key`)
    this.peerTail = tail
    this.peerSeen = seen
    this.own.forget(seen)
    this.early.push(tail)
    this.checkEarly()
  }

  /**
   * Accepts the next row.
   * @throws InvalidProofError when the other side has signed another public hash for as many rows
   */
  accept(row: PublicRow): void {
    this.publicChain.append(row)
    this.checkEarly()
  }

  private checkEarly(): void {
    while (this.early.length > 0 && this.early[0]!.accepted <= this.publicChain.accepted) {
      const tail = this.early.shift()!
      const { accepted, publicHash } = tail
      if (!equal(publicHash, this.publicChain.at(accepted))) {
        throw new InvalidProofError('public hash', `the ${this.peerRole} signed other rows up to row ${accepted}`)
      }
      this.heldTail = tail
    }
    this.forgetRows()
  }

  /** Both sides' tails go on from what each has signed. */
  private forgetRows(): void {
    this.publicChain.forget(Math.min(this.ownTail?.accepted ?? 0, this.peerTail?.accepted ?? 0))
  }
}

/** Rows that a batch covers. */
export function rowsOf(batch: { readonly commitments: Uint8Array }): number {
  return batch.commitments.length / POINT
}

function between(what: string, value: number, least: number, most: number): void {
  if (value < least || value > most) throw new ProtocolViolationError(`${what} is ${value}, it can be ${least} to ${most}`)
}
