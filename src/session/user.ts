/**
 * The user's side of a session (protocols/session): asks for deltas, commits to its rows in the background, opens what the
 * contributor committed to, closes, and signs for the bundle.
 */
import { equal } from '../bytes.js'
import { InvalidProofError, LimitExceededError, ProtocolViolationError } from '../errors.js'
import { NET_LIMITS } from '../limits.js'
import { type Manifest, merkleRoot, type PublicRow, sign, type VerifiedProof } from '../proof/index.js'
import { encodeStatement, type Statement } from '../wire/announcement.js'
import type { BatchBody } from './chains.js'
import type { Code } from './messages/codes.js'
import { type Evidence, EvidenceLog } from './evidence.js'
import { byGroup, joined, pointAt, runsOf, scatter } from './jobs/gather.js'
import type { UserJobs } from './jobs/jobs.js'
import { openedRecord } from './journal.js'
import { LABELS } from './labels.js'
import { rowsOf } from './ledger.js'
import type { Batch, Deltas, Message, Proof } from './messages/messages.js'
import { OpenRows } from './open-rows.js'
import { type AnsweredRow, type AnswerProgress, RequestWindow } from './requests.js'
import type { Deadline } from './machine.js'
import type { UserRest } from './settle/user.js'
import { Side, type SideInit } from './side.js'
import { statementOfProof } from './statement.js'
import { signBegin } from './terms/terms.js'

const SECOND = 1000

export interface UserSessionInit extends SideInit {
  readonly manifest: Manifest
  readonly jobs: UserJobs
  /** Gets rows with what opens them, when both have opened them and before they count as accepted: what is kept is waited for. */
  readonly keepRows?: ((rows: readonly OpenableRow[]) => Promise<void>) | undefined
  /** Rows after which a batch is made when no request waits; default 256. Never more than half of what may be outstanding. */
  readonly commitRows?: number | undefined
}

/** An accepted row with what opens its commitment: a secret of both sides. */
export interface OpenableRow extends AnsweredRow {
  /** In the session. */
  readonly number: number
  /** υ: one scalar. */
  readonly upsilon: Uint8Array
}

/** A batch that has left and is not answered. */
interface SentBatch {
  readonly firstRow: number
  readonly commitments: Uint8Array
}

export class UserSession extends Side {
  private readonly init: UserSessionInit
  private readonly requests: RequestWindow
  private readonly evidence = new EvidenceLog()
  /** Rows that are answered and not accepted. */
  private readonly open: OpenRows
  /** Rows that are accepted: what the root is made of. */
  private readonly rows: PublicRow[] = []
  /** Of `rows`, how many the journal has. */
  private recorded = 0
  private asked = 0
  private committing = false
  /** No more rows are asked for; and all of them are answered, so that the rest is committed to. */
  private closing = false
  private closed: Promise<Proof | undefined> | undefined
  private flushing = false
  private readonly sentBatches: SentBatch[] = []
  /** Rows of the contributor's batches that have come. */
  private contributorCommitted = 0
  private opening = Promise.resolve()
  private offered: Proof | undefined
  private receipted = false
  private published: Uint8Array | undefined

  constructor(init: UserSessionInit) {
    super('user', init)
    this.init = init
    const { terms, secretKey, manifest } = init
    this.open = new OpenRows(init)
    this.requests = new RequestWindow({
      manifest,
      requests: Math.min(terms.accept.requests, NET_LIMITS.requestsInFlight),
      send: draft => this.outbox.push('rows', draft),
      dropped: rows => (this.asked -= rows),
      onLimit: name => this.listener?.limit(name)
    })
    const { journal } = this
    const keep = journal && (() => journal.append(openedRecord(terms, secretKey)))
    this.outbox.push('control', () => ({ begin: { signature: signBegin(terms, secretKey) } }), keep)
  }

  /** Rows answered so far. */
  get answeredRows(): number {
    return this.open.answered
  }

  override get outstandingRows(): number {
    return this.open.length
  }

  /** What settling needs beside the journal. */
  rest(): UserRest {
    return { accepted: [...this.rows], open: this.open.copies() }
  }

  /** Rows that may still be asked for. */
  get rowsLeft(): number {
    return this.terms.context.rows - this.asked
  }

  /**
   * Sends activation rows of one group; long ones in several messages.
   * @param group manifest index, one of the session's
   * @param position of the first row; the others follow
   * @param x count × dIn integers of activationBits
   * @returns count × outputs exact integers
   * @throws LimitExceededError beyond the session's rows, RangeError for another group or length, and what the session fails with
   */
  request(group: number, position: number, x: Int16Array): Promise<Float64Array> {
    return this.ask({ group, position, x })
  }

  /**
   * The same, telling of the rows as they come.
   * @param options.signal cancels the rows that are not answered yet: they count for nothing, and the session goes on
   * @throws as `request`, and the signal's reason
   */
  async ask(
    { group, position, x }: { readonly group: number; readonly position: number; readonly x: Int16Array },
    { progress = { answered: 0, y: new Float64Array(0) }, signal }: { progress?: AnswerProgress; signal?: AbortSignal | undefined } = {}
  ): Promise<Float64Array> {
    if (this.error !== undefined) throw this.error
    signal?.throwIfAborted()
    if (!this.terms.context.groups.includes(group)) throw new RangeError(`group ${group} is not one of the session's`)
    const count = x.length / this.init.manifest.groups[group]!.dIn
    if (!Number.isInteger(count) || count === 0)
      throw new RangeError(`${x.length} activations are no whole number of rows of group ${group}`)
    if (this.closing) throw new ProtocolViolationError('the session is closing: no more rows')
    if (count > this.rowsLeft) throw new LimitExceededError('rows', this.asked + count, this.terms.context.rows, 'in this session')
    this.asked += count
    return this.requests.ask({ group, position, x }, { progress, signal })
  }

  /**
   * Ends the exchange of rows: commits to the rest, waits until both sides have accepted every row and closed, and for the proof.
   * @returns what the contributor offers; undefined for a session without rows
   */
  close(): Promise<Proof | undefined> {
    this.closed ??= this.closeOnce()
    return this.closed
  }

  private async closeOnce(): Promise<Proof | undefined> {
    this.closing = true
    await this.condition.until(() => this.requests.pending === 0)
    this.flushing = true
    this.commit()
    await this.condition.until(() => this.accepted === this.answeredRows)
    this.sendBatch({ firstRow: this.answeredRows, commitments: new Uint8Array(0), blindings: new Uint8Array(0) }, true)
    await this.condition.until(() => this.ledger.peerTail?.closed === true)
    if (this.answeredRows === 0) {
      this.end()
      return undefined
    }
    await this.condition.until(() => this.offered !== undefined)
    return this.offered!
  }

  /**
   * Checks that a verified bundle is the one that was offered, about all rows of this session as this side knows them.
   * @returns what a receipt signs
   * @throws InvalidProofError('session')
   */
  checkBundle(proof: VerifiedProof): Statement {
    const { offered, ledger } = this
    const fits =
      offered !== undefined &&
      equal(proof.session, this.id) &&
      proof.start === 0 &&
      proof.end === this.answeredRows &&
      proof.whole &&
      equal(proof.publicEnd, ledger.publicChain.head) &&
      equal(proof.root, merkleRoot(this.id, this.rows)) &&
      equal(proof.root, offered.root) &&
      equal(proof.digest, offered.digest) &&
      proof.bundleBytes === offered.length &&
      equal(proof.userTail.signature, ledger.ownTail!.signature) &&
      equal(proof.contributorTail.signature, ledger.peerTail!.signature)
    if (!fits) throw new InvalidProofError('session', `the bundle offered is not that of rows 0 to ${this.answeredRows} of this session`)
    return statementOfProof(proof)
  }

  /**
   * Signs for a verified bundle; `announcement` follows.
   * @returns this side's signature over the statement
   * @throws InvalidProofError('session') as `checkBundle`
   */
  accept(proof: VerifiedProof): Uint8Array {
    const { journal } = this
    const statement = this.checkBundle(proof)
    const signature = sign(this.init.secretKey, LABELS.signReceipt, encodeStatement(statement))
    this.sendReceipt({ signature, code: 0 }, journal && (() => journal.append({ kind: 'receipt', statement, signature })))
    return signature
  }

  /** Says why there is no signature. */
  decline(code: Code): void {
    this.sendReceipt({ signature: new Uint8Array(0), code })
    this.listener?.declined(code)
  }

  /** The announcement as published, empty when the contributor publishes nothing. The session is finished then. */
  async announcement(): Promise<Uint8Array> {
    await this.condition.until(() => this.published !== undefined)
    return this.published!
  }

  /** The messages since the last batch that held, and the error: to show to others why the session failed. */
  evidenceOf(error: Error): Evidence {
    return this.evidence.take(this.terms, this.ledger.heldTail, error)
  }

  protected override async handle(message: Message, bytes: Uint8Array): Promise<void> {
    const place = this.evidence.note('contributor', bytes)
    switch (message.kind) {
      case 'deltas':
        this.onDeltas(message.value)
        break
      case 'batch':
        this.onBatch(message.value, place)
        break
      case 'cancel':
        this.requests.dropped(message.value.request)
        break
      case 'proof':
        this.onProof(message)
        break
      case 'announced':
        if (!this.receipted) this.unexpected(message)
        this.published = message.value.announcement
        break
      default:
        this.unexpected(message)
    }
    this.ledger.received(bytes)
    if (this.published !== undefined) this.end()
  }

  protected override sent(bytes: Uint8Array): void {
    this.evidence.note('user', bytes)
    super.sent(bytes)
  }

  protected override owed(): Deadline[] {
    const deadlines: Deadline[] = []
    const { oldest } = this.requests
    if (oldest !== undefined) {
      const transfer = (oldest.bytes / NET_LIMITS.fetchBytesPerSecond) * SECOND
      deadlines.push({
        key: `answer ${oldest.id}`,
        what: `the answer to request ${oldest.id}`,
        milliseconds: this.timeouts.answer + transfer,
        timeout: 'answer'
      })
    }
    if (this.requests.isCancelling)
      deadlines.push({ key: 'cancel', what: 'the answer to cancel', milliseconds: this.timeouts.answer, timeout: 'answer' })
    if (this.receipted) deadlines.push({ key: 'announced', what: 'the announcement', milliseconds: this.timeouts.batch, timeout: 'batch' })
    const batch = this.sentBatches[0]
    if (batch !== undefined) {
      deadlines.push({
        key: `batch ${batch.firstRow}`,
        what: `the contributor's batch from row ${batch.firstRow}`,
        milliseconds: this.timeouts.batch,
        timeout: 'batch'
      })
    }
    return deadlines
  }

  protected override failed(error: Error): void {
    this.requests.fail(error)
  }

  private onDeltas(deltas: Deltas): void {
    this.open.add(this.requests.answer(deltas, this.answeredRows))
    this.commit()
  }

  /** Makes batches while there are enough rows for one, in the background. */
  private commit(): void {
    if (this.committing || !this.batchDue()) return
    this.committing = true
    this.background(this.commitBatches())
  }

  private batchDue(): boolean {
    return this.open.isDue({ closing: this.flushing, waiting: this.requests.pending > 0 })
  }

  private async commitBatches(): Promise<void> {
    while (this.batchDue()) {
      const { firstRow, rows } = this.open.takeBatch()
      const commitments = new Uint8Array(rows.length * 32)
      for (const [group, indices] of byGroup(rows)) {
        scatter(commitments, await this.init.jobs.commitInputs({ group, x: joined(indices.map(i => rows[i]!.x)) }), indices)
      }
      this.sendBatch({ firstRow, commitments, blindings: new Uint8Array(0) }, false)
    }
    this.committing = false
  }

  private sendBatch(body: BatchBody, closed: boolean): void {
    let accepted: readonly PublicRow[] = []
    const draft = () => {
      this.sentBatches.push(body)
      accepted = this.rows.slice(this.recorded)
      this.recorded = this.rows.length
      return { batch: this.ledger.seal(body, { rows: this.answeredRows, accepted: this.accepted, closed }) }
    }
    const { journal } = this
    this.outbox.push('batch', draft, journal && (own => journal.append({ kind: 'user batch', own, accepted })))
  }

  private onBatch(batch: Batch, place: number): void {
    const sent = this.sentBatches[0]
    if (sent === undefined || sent.firstRow !== batch.firstRow || rowsOf(sent) !== rowsOf(batch)) {
      throw new ProtocolViolationError(
        `the contributor's batch of ${rowsOf(batch)} rows from row ${batch.firstRow} answers none of the user's`
      )
    }
    if (batch.blindings.length !== batch.commitments.length) throw new ProtocolViolationError("the contributor's batch has no blindings")
    this.contributorCommitted += rowsOf(batch)
    this.ledger.check(batch, { rows: this.terms.context.rows, accepted: this.contributorCommitted })
    const { rows, accepted, closed } = this.ledger.peerTail!
    const closes = rowsOf(sent) === 0
    if (closed !== closes || (closed && (accepted !== this.answeredRows || rows !== this.answeredRows))) {
      throw new ProtocolViolationError(`the contributor's tail at row ${accepted} of ${rows} does not answer the user's`)
    }
    this.sentBatches.shift()
    if (closes) return
    this.opening = this.opening.then(() => this.openBatch(batch, sent.commitments, place))
    this.background(this.opening)
  }

  private async openBatch({ firstRow, commitments, blindings }: Batch, x: Uint8Array, place: number): Promise<void> {
    const rows = this.open.first(rowsOf({ commitments }))
    const runs = runsOf(rows).map(run => ({ group: run.group, y: joined(run.rows.map(({ y }) => y)) }))
    const sums = await this.init.jobs.checkOutputs({ firstRow, runs, commitments, blindings, x })
    await this.init.keepRows?.(rows.map((row, i) => ({ ...row, number: firstRow + i, upsilon: pointAt(blindings, i) })))
    rows.forEach(({ group, position }, i) => {
      const row = { number: firstRow + i, group, position, s: pointAt(sums, i) }
      this.rows.push(row)
      this.ledger.accept(row)
    })
    this.open.accept(rows.length)
    this.evidence.forget(place)
  }

  private onProof(message: Message & { kind: 'proof' }): void {
    const proof = message.value
    if (this.ledger.peerTail?.closed !== true || this.offered !== undefined) this.unexpected(message)
    if (proof.start !== 0 || proof.end !== this.answeredRows) {
      throw new ProtocolViolationError(`the proof offered is of rows ${proof.start} to ${proof.end}, the session has ${this.answeredRows}`)
    }
    this.offered = proof
  }

  private sendReceipt(receipt: { readonly signature: Uint8Array; readonly code: number }, keep?: () => Promise<void>): void {
    this.receipted = true
    this.outbox.push('control', () => ({ receipt }), keep)
  }
}
