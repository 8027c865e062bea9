/**
 * The user's side of settling (protocols/session, Settling): sends again what the contributor lacks, commits to what both can go on
 * from, closes, and signs for the bundles.
 */
import { equal } from '../../bytes.js'
import { InvalidProofError, ProtocolViolationError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import {
  type Manifest,
  merkleRoot,
  publicNext,
  type PublicRow,
  publicStart,
  sign,
  type VerifiedProof,
  verifyTail
} from '../../proof/index.js'
import { encodeStatement, type Statement } from '../../wire/announcement.js'
import { byGroup, joined, pointAt, runsOf, scatter } from '../jobs/gather.js'
import type { UserJobs } from '../jobs/jobs.js'
import type { Journal } from '../journal.js'
import { LABELS } from '../labels.js'
import { rowsOf } from '../ledger.js'
import { type Deadline, Machine, type MachineInit } from '../machine.js'
import { type Code, refusedBy } from '../messages/codes.js'
import type { Batch, Message, Proof, Settle } from '../messages/messages.js'
import type { AnsweredRow } from '../requests.js'
import { statementOfProof } from '../statement.js'
import type { Peers } from '../terms/terms.js'
import { checkSettle, makeSettle } from './message.js'
import { type RestoredUser, tailOf } from './restore.js'
import { sealSettled } from './seal.js'

/** What a user that has not restarted knows beside its journal. */
export interface UserRest {
  /** All rows accepted. */
  readonly accepted: readonly PublicRow[]
  /** Rows answered and not accepted, which follow them. */
  readonly open: readonly AnsweredRow[]
}

export interface SettlingUserInit extends Omit<MachineInit, 'terms'> {
  readonly restored: RestoredUser
  readonly rest?: UserRest | undefined
  readonly manifest: Manifest
  /** Of this stream. */
  readonly peers: Peers
  readonly jobs: Pick<UserJobs, 'commitInputs' | 'checkOutputs'>
  readonly journal: Journal
}

/** A batch of this side that the contributor answers. */
interface Expected {
  readonly firstRow: number
  readonly commitments: Uint8Array
}

export class SettlingUser extends Machine {
  private readonly init: SettlingUserInit
  private readonly rows: PublicRow[]
  /** After 0, 1, … rows. */
  private readonly publicHashes: Uint8Array[]
  /** Rows of `rows` that the journal has. */
  private recorded: number
  private readonly open: AnsweredRow[]
  private committed: number
  private theirs: Settle | undefined
  private readonly expected: Expected[] = []
  private contributorAccepted = 0
  private closed = false
  private contributorClosed = false
  private readonly offers: Proof[] = []
  /** Bundles looked at, receipts sent, announcements come. */
  private taken = 0
  private receipts = 0
  private readonly announcements: Uint8Array[] = []
  private proved = 0

  constructor(init: SettlingUserInit) {
    super('user', { ...init, terms: init.restored.terms })
    this.init = init
    const { restored, peers } = init
    // An attempt that broke may have gone beyond what was known when the session did.
    const rest = init.rest ?? { accepted: [], open: [] }
    const beyond = Math.max(0, restored.rows.length - rest.accepted.length)
    this.rows = [...(beyond > 0 ? restored.rows : rest.accepted)]
    // Who has closed goes on from no further row, also where the contributor could.
    this.open = restored.closing === undefined ? rest.open.slice(beyond) : []
    this.recorded = restored.rows.length
    this.publicHashes = [publicStart(this.id)]
    for (const row of this.rows) this.publicHashes.push(publicNext(this.publicHashes.at(-1)!, row))
    this.committed = restored.batches.at(-1)?.end ?? 0
    const counts = { userRows: this.committed, contributorRows: this.accepted, rows: this.accepted + this.open.length }
    this.outbox.push('batch', () => ({ settle: makeSettle({ terms: this.terms, role: 'user', peers }, counts, restored.secretKey) }))
  }

  /** Rows accepted by this side. */
  get accepted(): number {
    return this.rows.length
  }

  /** Rows that this side knows to have been answered. */
  get answeredRows(): number {
    return Math.max(this.init.restored.ownTail?.rows ?? 0, this.accepted + this.open.length)
  }

  /** The next bundle that the contributor offers; undefined when there is no more. @throws what settling fails with */
  async offer(): Promise<Proof | undefined> {
    await this.condition.until(() => this.finished || this.offers.length > this.taken)
    return this.offers[this.taken++]
  }

  /**
   * Checks that a verified bundle is the one that was offered last, about rows of this session as this side accepted them.
   * @returns what a receipt signs
   * @throws InvalidProofError('session')
   */
  checkBundle(proof: VerifiedProof): Statement {
    const offered = this.offers[this.taken - 1]
    const fits =
      offered !== undefined &&
      equal(proof.session, this.id) &&
      proof.start === offered.start &&
      proof.end === offered.end &&
      equal(proof.publicStart, this.publicHashes[proof.start]!) &&
      equal(proof.publicEnd, this.publicHashes[proof.end]!) &&
      equal(proof.root, merkleRoot(this.id, this.rows.slice(proof.start, proof.end))) &&
      equal(proof.root, offered.root) &&
      equal(proof.digest, offered.digest) &&
      proof.bundleBytes === offered.length
    if (!fits) throw new InvalidProofError('session', `the bundle offered is not that of the rows of this session that it names`)
    return statementOfProof(proof)
  }

  /** Signs for a verified bundle. @returns this side's signature. @throws InvalidProofError('session') as `checkBundle` */
  accept(proof: VerifiedProof): Uint8Array {
    const statement = this.checkBundle(proof)
    const signature = sign(this.init.restored.secretKey, LABELS.signReceipt, encodeStatement(statement))
    this.sendReceipt({ signature, code: 0 }, () => this.init.journal.append({ kind: 'receipt', statement, signature }))
    return signature
  }

  /** Says why there is no signature. */
  decline(code: Code): void {
    this.sendReceipt({ signature: new Uint8Array(0), code })
    this.listener?.declined(code)
  }

  /** What was published of the bundle offered last, empty when the contributor publishes nothing. */
  async announcement(): Promise<Uint8Array> {
    const place = this.receipts - 1
    await this.condition.until(() => this.announcements.length > place)
    return this.announcements[place]!
  }

  /**
   * The contributor ends the stream when everything is settled. The stream of a process that is killed ends as well: of rows that this
   * side has accepted, which the contributor's batch then has too, there is a bundle before.
   */
  override peerClosed(): void {
    const isProved = this.accepted === 0 || this.offers.length > 0
    const settled = this.closed && this.contributorClosed && isProved && this.offers.length === this.announcements.length
    if (settled) this.end()
    else super.peerClosed()
  }

  protected async handle(message: Message): Promise<void> {
    if (message.kind === 'refuse') throw refusedBy('the contributor', message.value.code, message.value.retryAfter)
    if (this.theirs === undefined) {
      if (message.kind !== 'settle') this.unexpected(message)
      return this.onSettle(message.value)
    }
    switch (message.kind) {
      case 'batch':
        return this.onBatch(message.value)
      case 'proof':
        return this.onProof(message.value, message)
      case 'announced':
        if (this.announcements.length >= this.receipts) this.unexpected(message)
        this.announcements.push(message.value.announcement)
        return
      default:
        this.unexpected(message)
    }
  }

  protected override owed(): Deadline[] {
    if (this.theirs === undefined)
      return [{ key: 'settle', what: "the contributor's settle", milliseconds: this.timeouts.answer, timeout: 'answer' }]
    if (this.receipts > this.announcements.length) {
      return [{ key: `announced ${this.receipts}`, what: 'the announcement', milliseconds: this.timeouts.batch, timeout: 'batch' }]
    }
    const [batch] = this.expected
    if (batch === undefined) return []
    return [
      {
        key: `batch ${batch.firstRow}`,
        what: `the contributor's batch from row ${batch.firstRow}`,
        milliseconds: this.timeouts.batch,
        timeout: 'batch'
      }
    ]
  }

  private async onSettle(settle: Settle): Promise<void> {
    const { restored, peers } = this.init
    checkSettle({ terms: this.terms, role: 'contributor', peers }, settle)
    if (settle.contributorRows < this.accepted || settle.userRows > this.committed) {
      throw new ProtocolViolationError(
        `the contributor settles with ${settle.contributorRows} rows, ${settle.userRows} of them committed to by this side; it committed to ${this.committed} and accepted ${this.accepted}`
      )
    }
    this.theirs = settle
    const most = Math.min(settle.rows, this.accepted + this.open.length)
    let last = this.accepted
    for (const { batch, first, end } of restored.batches) {
      if (end <= this.accepted) continue
      if (end > most) break
      this.expected.push(batch)
      if (first >= settle.userRows) this.outbox.push('batch', () => ({ batch }))
      last = end
    }
    // What one side has lost neither goes on from.
    if (last === this.committed || this.committed <= this.accepted) this.background(this.commitRest(Math.max(last, this.committed), most))
    else this.background(this.close(last))
  }

  /** Commits to the rows that are in no batch yet, and closes when the contributor has answered. */
  private async commitRest(from: number, most: number): Promise<void> {
    const { jobs, restored } = this.init
    const first = this.accepted
    const open = [...this.open]
    if (restored.closing === undefined) {
      for (let at = from; at < most; at = this.committed) {
        const rows = open.slice(at - first, Math.min(at - first + NET_LIMITS.rowsPerBatch, most - first))
        const commitments = new Uint8Array(rows.length * 32)
        for (const [group, indices] of byGroup(rows)) {
          scatter(commitments, await jobs.commitInputs({ group, x: joined(indices.map(i => rows[i]!.x)) }), indices)
        }
        this.committed = at + rows.length
        const body = { firstRow: at, commitments, blindings: new Uint8Array(0) }
        this.expected.push(body)
        this.send(body)
      }
    }
    await this.close(Math.max(from, most))
  }

  private async close(last: number): Promise<void> {
    await this.condition.until(() => this.accepted >= last)
    const { closing } = this.init.restored
    if (closing === undefined) this.send({ firstRow: this.committed, commitments: new Uint8Array(0), blindings: new Uint8Array(0) })
    else this.outbox.push('batch', () => ({ batch: closing.batch }))
    this.closed = true
  }

  private send(body: Pick<Batch, 'firstRow' | 'commitments' | 'blindings'>): void {
    const { restored, journal } = this.init
    const { accepted, answeredRows } = this
    const fresh = this.rows.slice(this.recorded)
    this.recorded = accepted
    const batch = sealSettled(body, {
      terms: this.terms,
      role: 'user',
      secretKey: restored.secretKey,
      tail: { rows: answeredRows, accepted, closed: body.commitments.length === 0, publicHash: this.publicHashes[accepted]! }
    })
    this.outbox.push(
      'batch',
      () => ({ batch }),
      own => journal.append({ kind: 'user batch', own, accepted: fresh })
    )
  }

  private async onBatch(batch: Batch): Promise<void> {
    const tail = tailOf(batch)
    const closes = rowsOf(batch) === 0
    if (this.contributorClosed || tail.closed !== closes) throw new ProtocolViolationError('a batch without rows closes, and only one does')
    if (!verifyTail({ publicKey: this.terms.context.contributorKey, role: 'contributor', session: this.id, tail })) {
      throw new InvalidProofError('signature', "the contributor's tail is not signed by its key")
    }
    if (tail.accepted < this.contributorAccepted || tail.rows > this.terms.context.rows) {
      throw new ProtocolViolationError(
        `the contributor's tail at row ${tail.accepted} of ${tail.rows} does not follow what it signed before`
      )
    }
    this.contributorAccepted = tail.accepted
    if (closes) {
      if (tail.accepted < this.accepted)
        throw new ProtocolViolationError(`the contributor closes at row ${tail.accepted} of ${this.accepted}`)
      this.contributorClosed = true
    } else await this.openBatch(batch)
    const known = this.publicHashes[tail.accepted]
    if (known !== undefined && !equal(known, tail.publicHash)) {
      throw new InvalidProofError('public hash', `the contributor signed other rows up to row ${tail.accepted}`)
    }
  }

  private async openBatch({ firstRow, commitments, blindings }: Batch): Promise<void> {
    const sent = this.expected[0]
    const count = rowsOf({ commitments })
    if (sent === undefined || sent.firstRow !== firstRow || rowsOf(sent) !== count || blindings.length !== commitments.length) {
      throw new ProtocolViolationError(`the contributor's batch of ${count} rows from row ${firstRow} answers none of the user's`)
    }
    const rows = this.open.slice(0, count)
    const runs = runsOf(rows).map(run => ({ group: run.group, y: joined(run.rows.map(({ y }) => y)) }))
    const sums = await this.init.jobs.checkOutputs({ firstRow, runs, commitments, blindings, x: sent.commitments })
    this.expected.shift()
    this.open.splice(0, count)
    rows.forEach(({ group, position }, i) => {
      const row = { number: firstRow + i, group, position, s: pointAt(sums, i) }
      this.rows.push(row)
      this.publicHashes.push(publicNext(this.publicHashes.at(-1)!, row))
    })
  }

  private onProof(proof: Proof, message: Message): void {
    if (!this.closed || !this.contributorClosed || this.offers.length > this.announcements.length) this.unexpected(message)
    if (proof.start !== this.proved || proof.end > this.accepted) {
      throw new ProtocolViolationError(
        `the proof offered is of rows ${proof.start} to ${proof.end}, ${this.proved} of ${this.accepted} are proved`
      )
    }
    this.proved = proof.end
    this.offers.push(proof)
  }

  private sendReceipt(receipt: { readonly signature: Uint8Array; readonly code: number }, keep?: () => Promise<void>): void {
    this.receipts++
    this.outbox.push('batch', () => ({ receipt }), keep)
  }
}
