/**
 * The contributor's side of a session (protocols/session): answers rows in order, opens the user's commitments and answers with its
 * own, closes when the user does, proves, and takes the receipt.
 */
import { atLimit, type LimitName } from '../counters.js'
import { InvalidProofError, LimitExceededError, ProtocolViolationError } from '../errors.js'
import { NET_LIMITS } from '../limits.js'
import {
  type CommittedAdapter,
  type ManifestGroup,
  type ProvedBundle,
  publicStart,
  type SessionRow,
  verifySignature
} from '../proof/index.js'
import { encodeStatement, type Statement } from '../wire/announcement.js'
import type { ContributorRest } from './settle/contributor.js'
import { answerFrame, type Request, RequestQueue, rowsOfFrame } from './answers.js'
import { byGroup, joined, pointAt, runsOf, scatter } from './jobs/gather.js'
import type { ContributorJobs } from './jobs/jobs.js'
import { LABELS } from './labels.js'
import { rowsOf } from './ledger.js'
import { codeName } from './messages/codes.js'
import type { Batch, Message, Receipt, Rows } from './messages/messages.js'
import { activationBytes } from './messages/packing.js'
import type { Deadline } from './machine.js'
import { Side, type SideInit } from './side.js'
import { type ReceiptAnswer, statementOf } from './statement.js'
import { checkBegin } from './terms/terms.js'

/** Bytes of an entry of y at most. */
const ENTRY = 8
/** Bytes of a point or scalar. */
const POINT = 32
/** Batches of the user that may wait for their answer to leave before further messages are read. */
const BATCHES_WAITING = 4
/** Answers to cancel that may wait to leave, likewise. */
const CANCELS_WAITING = 4

export interface ContributorSessionInit extends SideInit {
  readonly adapter: CommittedAdapter
  readonly jobs: ContributorJobs
  /** Takes rows of a group from the extraction budget, durably, before their answer leaves. @throws when it is spent */
  readonly reserve: (group: number, rows: number) => Promise<void>
}

/** A row that has been answered. */
interface OpenRow {
  readonly group: number
  readonly position: number
  readonly x: Int16Array
  readonly h: Float64Array
  readonly bytes: number
}

/** Own commitments, from row `accepted` on. */
interface OpenCommitment {
  readonly cy: Uint8Array
  readonly upsilon: Uint8Array
  readonly eta: Uint8Array
}

export class ContributorSession extends Side {
  private readonly init: ContributorSessionInit
  private readonly groups: readonly ManifestGroup[]
  private begun = false
  private readonly requests: RequestQueue
  private answering = false
  /** Requests wait until less is outstanding. */
  private isPaused = false
  private answered = 0
  /** Rows that are answered and not accepted, from row `accepted` on. */
  private readonly open: OpenRow[] = []
  private readonly commitments: OpenCommitment[] = []
  /** Of x and y that are answered, until the batch about them has left: answers leave before it. */
  private outstandingBytes = 0
  /** Bytes of x kept for the proof. */
  private keptBytes = 0
  /** Rows of the user's batches that have come. */
  private userCommitted = 0
  private opening = Promise.resolve()
  private batchesWaiting = 0
  /** Batches that are being opened; their answers may wait for the user to read. */
  private batchesOpening = 0
  private cancelsWaiting = 0
  private cancels = 0
  private readonly rows: SessionRow[] = []
  /** Rows accepted by the last tail that the journal has: one whose writing failed was signed, and has not left. */
  private keptAccepted = 0
  private bothClosed = false
  private statement: Statement | undefined
  private answer: ReceiptAnswer | undefined

  constructor(init: ContributorSessionInit) {
    super('contributor', init)
    this.init = init
    this.groups = init.adapter.manifest.groups
    this.requests = new RequestQueue(init.terms, this.groups)
  }

  get answeredRows(): number {
    return this.answered
  }

  override get outstandingRows(): number {
    return this.open.length
  }

  /** Bytes of x and y that may be outstanding in this session from now on. */
  get outstandingBytesMost(): number {
    return this.error !== undefined || this.bothClosed ? 0 : Number(this.terms.accept.outstandingBytes)
  }

  override get isWorking(): boolean {
    const isProving = this.bothClosed && (this.statement === undefined || this.answer !== undefined)
    return !this.finished && (this.answering || this.batchesOpening > 0 || isProving)
  }

  /** What settling needs beside the journal: the rows from the first that may be in none of its batches. */
  rest(): ContributorRest {
    const sealed = this.rows.filter(({ number }) => number >= this.keptAccepted)
    const first = this.accepted - sealed.length
    // Copies: a row must not keep the memory of its whole request.
    return { first, rows: [...sealed, ...this.open].map(({ group, position, x }) => ({ group, position, x: x.slice() })) }
  }

  /** Bytes of x that are kept until the proof is made. */
  get heldBytes(): number {
    return this.keptBytes
  }

  /** Resolves when both sides have accepted every row and closed. @throws what the session fails with */
  async closed(): Promise<void> {
    await this.condition.until(() => this.bothClosed)
  }

  /**
   * Proves, once both sides have closed.
   * @returns the bundle; undefined for a session without rows, which is finished then
   */
  async prove(): Promise<ProvedBundle | undefined> {
    await this.closed()
    if (this.answered === 0) {
      this.end()
      return undefined
    }
    const { ownTail, peerTail } = this.ledger
    const proved = await this.init.jobs.prove({
      context: this.terms.context,
      rows: this.rows,
      userTail: peerTail!,
      contributorTail: ownTail!
    })
    // Nothing is proved from them again, and the receipt can take its time.
    this.rows.length = 0
    this.keptBytes = 0
    return proved
  }

  /** What both sign about the bundle. */
  statementOf(proved: ProvedBundle): Statement {
    return statementOf(this.terms, {
      proved,
      start: 0,
      end: this.answered,
      publicStart: publicStart(this.id),
      publicEnd: this.ledger.publicChain.head
    })
  }

  /**
   * Offers the bundle, which can be fetched from here by now, and waits for the user's receipt.
   * @throws what the session fails with, InvalidProofError('signature') for a receipt that does not verify
   */
  async offer(statement: Statement): Promise<ReceiptAnswer> {
    this.statement = statement
    this.listener?.progressed()
    const { start, end, root, digest, length } = statement
    this.outbox.push('control', () => ({ proof: { start, end, root, digest, length } }))
    await this.condition.until(() => this.answer !== undefined)
    return this.answer!
  }

  /** Tells the user what was published, and is finished. @param announcement empty when nothing was */
  announced(announcement: Uint8Array): void {
    this.outbox.push('control', () => ({ announced: { announcement } }))
    this.end()
  }

  protected override async handle(message: Message, bytes: Uint8Array): Promise<void> {
    if (!this.begun && message.kind !== 'begin') this.unexpected(message)
    switch (message.kind) {
      case 'begin':
        if (this.begun) this.unexpected(message)
        checkBegin(this.terms, message.value.signature)
        this.begun = true
        break
      case 'rows':
        this.onRows(message.value)
        break
      case 'cancel':
        this.onCancel(message.value.request)
        break
      case 'batch':
        this.onBatch(message.value, bytes)
        break
      case 'receipt':
        this.onReceipt(message.value, message)
        break
      default:
        this.unexpected(message)
    }
    this.ledger.received(bytes)
    if (this.batchesWaiting >= BATCHES_WAITING) await this.condition.until(() => this.batchesWaiting < BATCHES_WAITING)
    if (this.cancelsWaiting >= CANCELS_WAITING) await this.condition.until(() => this.cancelsWaiting < CANCELS_WAITING)
  }

  protected override owed(): Deadline[] {
    if (this.statement === undefined || this.answer !== undefined) return []
    return [{ key: 'receipt', what: "the user's receipt", milliseconds: this.timeouts.receipt, timeout: 'receipt' }]
  }

  protected override failed(): void {
    this.requests.clear()
  }

  private onRows(rows: Rows): void {
    if (this.ledger.peerTail?.closed === true) throw new ProtocolViolationError('rows came after the user had closed')
    this.requests.take(rows)
    this.answerNext()
  }

  private onCancel(from: number): void {
    if (++this.cancels > NET_LIMITS.cancelsPerSession)
      throw atLimit('cancelsPerSession', new LimitExceededError('cancels', this.cancels, NET_LIMITS.cancelsPerSession, 'in one session'))
    const request = this.requests.cancel(from, this.answering ? 1 : 0)
    this.cancelsWaiting++
    this.outbox.push('control', () => {
      this.cancelsWaiting--
      this.condition.notify()
      return { cancel: { request } }
    })
  }

  /** Answers request after request in the background, as long as not too much is outstanding. */
  private answerNext(): void {
    if (this.answering || this.requests.length === 0 || this.isFull()) return
    this.answering = true
    this.background(this.answerRequests())
  }

  /** True when the next request has to wait until less is outstanding. */
  private isFull(): boolean {
    const full = this.limitReached()
    if (full !== undefined && !this.isPaused) this.listener?.limit(full)
    this.isPaused = full !== undefined
    return this.isPaused
  }

  private limitReached(): LimitName | undefined {
    const { outstandingRows, outstandingBytes } = this.terms.accept
    if (this.open.length > outstandingRows) return 'outstandingRows'
    return this.outstandingBytes > Number(outstandingBytes) ? 'outstandingBytes' : undefined
  }

  private async answerRequests(): Promise<void> {
    while (this.requests.length > 0 && !this.isFull()) {
      const request = this.requests.first!
      const { group: index, count, x } = request
      await this.init.reserve(index, count)
      const group = this.groups[index]!
      const most = rowsOfFrame(group)
      // Frame by frame: the first is on its way while the next is computed.
      for (let from = 0; from < count; from += most) {
        const part = x.subarray(from * group.dIn, Math.min(from + most, count) * group.dIn)
        const { h, y } = await this.init.jobs.answer({ group: index, x: part })
        // The session may have failed meanwhile; then nobody waits.
        if (this.error !== undefined) return
        const deltas = answerFrame({ request, group, y, firstRow: this.answered })
        if (from + most >= count) this.requests.shift()
        this.outbox.push('rows', () => ({ deltas }))
        this.keepRows({ group: index, position: request.position + from, x: part }, h)
      }
    }
    this.answering = false
  }

  private keepRows({ group, position, x }: Pick<Request, 'group' | 'position' | 'x'>, h: Float64Array): void {
    const { dIn, rank, outputs } = this.groups[group]!
    const count = x.length / dIn
    const bytes = dIn * activationBytes(this.terms.context.activationBits) + outputs * ENTRY
    for (let t = 0; t < count; t++) {
      this.open.push({
        group,
        position: position + t,
        x: x.subarray(t * dIn, (t + 1) * dIn),
        h: h.subarray(t * rank, (t + 1) * rank),
        bytes
      })
    }
    this.outstandingBytes += count * bytes
    this.keptBytes += x.byteLength
    this.answered += count
    this.listener?.progressed()
  }

  private onBatch(batch: Batch, bytes: Uint8Array): void {
    const count = rowsOf(batch)
    if (batch.firstRow !== this.userCommitted) {
      throw new ProtocolViolationError(`the user's batch begins at row ${batch.firstRow}, the one before ended at ${this.userCommitted}`)
    }
    if (batch.blindings.length > 0) throw new ProtocolViolationError("the user's batch has blindings")
    if (this.userCommitted + count > this.answered) {
      throw new ProtocolViolationError(`the user's batch reaches row ${this.userCommitted + count}, ${this.answered} are answered`)
    }
    // The user can have accepted what this side's batches reached: those that have left.
    const closedBefore = this.ledger.peerTail?.closed === true
    this.ledger.check(batch, { rows: this.answered, accepted: this.ledger.ownTail?.accepted ?? 0 })
    const { closed, accepted, rows } = this.ledger.peerTail!
    // Each costs this side a signature and its check, and keeps an idle session alive.
    if (closedBefore || (count === 0 && !closed)) throw new ProtocolViolationError('a batch without rows closes, and only one does')
    if (closed && (count > 0 || accepted !== rows || rows !== this.answered || this.requests.length > 0)) {
      throw new ProtocolViolationError(`the user closes at row ${accepted} of ${rows} with ${this.answered} answered`)
    }
    this.userCommitted += count
    this.batchesWaiting++
    this.batchesOpening++
    this.opening = this.opening.then(() => this.openBatch({ batch, bytes, closed }))
    this.background(this.opening)
  }

  /** Commits to the same rows, opens the user's commitments, and answers. */
  private async openBatch({ batch, bytes, closed }: { batch: Batch; bytes: Uint8Array; closed: boolean }): Promise<void> {
    const { firstRow, commitments } = batch
    const count = rowsOf(batch)
    const rows = this.open.slice(0, count)
    await this.commit(count)
    const own = this.commitments.slice(0, count)
    const cy = join(own.map(commitment => commitment.cy))
    const runs = runsOf(rows).map(run => ({ group: run.group, x: joined(run.rows.map(({ x }) => x)) }))
    const sums = count === 0 ? cy : await this.init.jobs.checkInputs({ firstRow, runs, commitments, cy })
    const openedBytes = rows.reduce((sum, { bytes }) => sum + bytes, 0)
    rows.forEach(({ group, position, x }, i) => {
      const row = { number: firstRow + i, group, position, s: pointAt(sums, i) }
      this.rows.push({ ...row, x, xCommitment: pointAt(commitments, i), eta: own[i]!.eta })
      this.ledger.accept(row)
    })
    const accepted = this.rows.slice(this.rows.length - count)
    this.open.splice(0, count)
    this.commitments.splice(0, count)
    const answer = { firstRow, commitments: cy, blindings: join(own.map(({ upsilon }) => upsilon)) }
    const draft = () => {
      const sealed = { batch: this.ledger.seal(answer, { rows: this.answered, accepted: firstRow + count, closed }) }
      this.bothClosed = closed
      // Only now: who sends batches without reading the answers is not read or answered any more either.
      this.outstandingBytes -= openedBytes
      this.batchesWaiting--
      this.condition.notify()
      this.answerNext()
      return sealed
    }
    const { journal } = this
    const keep = async (own: Uint8Array): Promise<void> => {
      await journal!.append({ kind: 'contributor batch', user: bytes, own, rows: accepted })
      this.keptAccepted = firstRow + count
    }
    this.outbox.push('batch', draft, journal && keep)
    this.batchesOpening--
    this.listener?.progressed()
  }

  /** Own commitments to the first `count` open rows. */
  private async commit(count: number): Promise<void> {
    const from = this.commitments.length
    const rows = this.open.slice(from, count)
    const cy = new Uint8Array(rows.length * POINT)
    const upsilon = new Uint8Array(rows.length * POINT)
    const eta = new Uint8Array(rows.length * POINT)
    for (const [group, indices] of byGroup(rows)) {
      const made = await this.init.jobs.commitOutputs({ group, h: joined(indices.map(i => rows[i]!.h)) })
      scatter(cy, made.cy, indices)
      scatter(upsilon, made.upsilon, indices)
      scatter(eta, made.eta, indices)
    }
    rows.forEach((_, i) => this.commitments.push({ cy: pointAt(cy, i), upsilon: pointAt(upsilon, i), eta: pointAt(eta, i) }))
  }

  private onReceipt({ signature, code }: Receipt, message: Message): void {
    if (this.statement === undefined || this.answer !== undefined) this.unexpected(message)
    if (code !== 0) {
      this.answer = { code, reason: codeName(code) }
      this.listener?.declined(code)
      return
    }
    const { userKey } = this.terms.context
    if (!verifySignature(userKey, signature, LABELS.signReceipt, encodeStatement(this.statement!))) {
      throw new InvalidProofError('signature', "the user's receipt is not its signature over the statement")
    }
    this.answer = { signature }
  }
}

function join(points: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(points.length * POINT)
  points.forEach((point, i) => out.set(point, i * POINT))
  return out
}
