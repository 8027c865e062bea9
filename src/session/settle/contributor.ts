/**
 * The contributor's side of settling (protocols/session, Settling): sends again what the user lacks, takes the batches that it lacks
 * itself, closes when the user does, and proves what both have signed for.
 */
import { equal } from '../../bytes.js'
import { InvalidProofError, ProtocolViolationError } from '../../errors.js'
import { type ProvedBundle, publicNext, type SessionRow, type Tail, verifySignature, verifyTail } from '../../proof/index.js'
import { encodeStatement, type Statement } from '../../wire/announcement.js'
import { byGroup, joined, pointAt, runsOf, scatter } from '../jobs/gather.js'
import type { ContributorJobs } from '../jobs/jobs.js'
import type { Journal } from '../journal.js'
import { LABELS } from '../labels.js'
import { rowsOf } from '../ledger.js'
import { type Deadline, Machine, type MachineInit } from '../machine.js'
import { CODE, codeName, RefusalError } from '../messages/codes.js'
import type { Batch, Message, Receipt, Settle } from '../messages/messages.js'
import { statementOf, type ReceiptAnswer } from '../statement.js'
import type { Peers } from '../terms/terms.js'
import { checkSettle, makeSettle } from './message.js'
import { agreedTails, type RestoredContributor, tailOf } from './restore.js'
import { sealSettled } from './seal.js'

/** Bytes of a point or scalar. */
const POINT = 32

/** A row that was answered and is in no batch of the contributor's journal. */
export interface RestRow {
  readonly group: number
  readonly position: number
  readonly x: Int16Array
}

/** What a contributor that has not restarted knows beside its journal. */
export interface ContributorRest {
  /** Number of the first row. */
  readonly first: number
  readonly rows: readonly RestRow[]
}

export interface SettlingContributorInit extends Omit<MachineInit, 'terms'> {
  readonly restored: RestoredContributor
  readonly rest?: ContributorRest | undefined
  readonly secretKey: Uint8Array
  /** Of this stream. */
  readonly peers: Peers
  /** The user's first message. */
  readonly settle: Settle
  readonly jobs: Pick<ContributorJobs, 'answer' | 'commitOutputs' | 'checkInputs' | 'prove'>
  readonly journal: Journal
}

export class SettlingContributor extends Machine {
  private readonly init: SettlingContributorInit
  /** Rows accepted from row `start` on. */
  private readonly rows: SessionRow[]
  private readonly publicHashes: Uint8Array[]
  private readonly userTails: Tail[]
  private readonly ownTails: Tail[]
  private accepted: number
  private start: number
  private bothClosed = false
  private statement: Statement | undefined
  private answer: ReceiptAnswer | undefined

  /** @throws InvalidProofError, ProtocolViolationError for the user's settle; RefusalError when this side has lost what it signed */
  constructor(init: SettlingContributorInit) {
    super('contributor', { ...init, terms: init.restored.terms })
    this.init = init
    const { restored, settle, peers, secretKey } = init
    checkSettle({ terms: this.terms, role: 'user', peers }, settle)
    if (settle.contributorRows > restored.accepted) throw new RefusalError(CODE.unknownSession)
    if (settle.userRows < restored.accepted) {
      throw new ProtocolViolationError(`the user says that it committed to ${settle.userRows} rows, its batches reach ${restored.accepted}`)
    }
    this.rows = [...restored.rows]
    this.publicHashes = [...restored.publicHashes]
    this.userTails = [...restored.userTails]
    this.ownTails = tailsOf(restored)
    this.accepted = restored.accepted
    this.start = restored.start
    const counts = { userRows: this.accepted, contributorRows: this.accepted, rows: this.restorable }
    this.outbox.push('batch', () => ({ settle: makeSettle({ terms: this.terms, role: 'contributor', peers }, counts, secretKey) }))
    // Of rows that it has forgotten the user's batches are not answered any more, nor its own sent again.
    const most = Math.min(settle.rows, this.restorable)
    for (const { first, end, batch } of restored.batches) {
      if (first >= settle.contributorRows && end <= most) this.outbox.push('batch', () => ({ batch }))
    }
    const { closing } = restored
    if (closing !== undefined) this.outbox.push('batch', () => ({ batch: closing.batch }))
  }

  /** Rows that this side can go on from. */
  private get restorable(): number {
    const { restored, rest } = this.init
    if (restored.closing !== undefined || rest === undefined) return this.start + this.rows.length
    return Math.max(this.accepted, rest.first + rest.rows.length)
  }

  /** Rows that this side knows to have been answered. */
  get answeredRows(): number {
    const { rest } = this.init
    return Math.max(
      this.ownTails.at(-1)?.rows ?? 0,
      this.userTails.at(-1)?.rows ?? 0,
      rest === undefined ? 0 : rest.first + rest.rows.length
    )
  }

  override get isWorking(): boolean {
    return !this.finished && this.bothClosed && (this.statement === undefined || this.answer !== undefined)
  }

  /** Resolves when both sides have closed. @throws what settling fails with */
  async closed(): Promise<void> {
    await this.condition.until(() => this.bothClosed)
  }

  /** Proves what both have signed for and is not proved; undefined when that is nothing. */
  async prove(): Promise<{ readonly proved: ProvedBundle; readonly statement: Statement } | undefined> {
    await this.closed()
    return proveAgreed({
      restored: { ...this.init.restored, rows: this.rows, userTails: this.userTails, publicHashes: this.publicHashes },
      contributorTails: this.ownTails,
      jobs: this.init.jobs
    })
  }

  /** Offers a bundle, which can be fetched from here, and waits for the user's receipt. @throws what settling fails with */
  async offer(statement: Statement): Promise<ReceiptAnswer> {
    this.statement = statement
    this.answer = undefined
    this.listener?.progressed()
    const { start, end, root, digest, length } = statement
    this.outbox.push('batch', () => ({ proof: { start, end, root, digest, length } }))
    await this.condition.until(() => this.answer !== undefined)
    return this.answer!
  }

  /** Tells the user what was published of the bundle offered last. */
  announced(announcement: Uint8Array): void {
    this.statement = undefined
    this.outbox.push('batch', () => ({ announced: { announcement } }))
  }

  /** Everything is settled. */
  finish(): void {
    this.end()
  }

  protected async handle(message: Message, bytes: Uint8Array): Promise<void> {
    if (message.kind === 'batch') return this.onBatch(message.value, bytes)
    if (message.kind === 'receipt') return this.onReceipt(message.value, message)
    this.unexpected(message)
  }

  protected override owed(): Deadline[] {
    if (this.statement !== undefined && this.answer === undefined) {
      return [{ key: `receipt ${this.statement.end}`, what: "the user's receipt", milliseconds: this.timeouts.receipt, timeout: 'receipt' }]
    }
    if (this.bothClosed) return []
    return [{ key: `batch ${this.accepted}`, what: "the user's next batch", milliseconds: this.timeouts.batch, timeout: 'batch' }]
  }

  private async onBatch(batch: Batch, bytes: Uint8Array): Promise<void> {
    if (this.bothClosed) throw new ProtocolViolationError('a batch came after the user had closed')
    const tail = this.checkTail(batch)
    const count = rowsOf(batch)
    if (count === 0) {
      this.userTails.push(tail)
      if (this.init.restored.closing === undefined)
        this.answerBatch(bytes, { firstRow: this.accepted, commitments: none, blindings: none }, [])
      this.bothClosed = true
      return
    }
    if (this.init.restored.closing !== undefined) throw new ProtocolViolationError('rows came after this side had closed')
    if (batch.firstRow !== this.accepted || batch.firstRow + count > this.restorable) {
      throw new ProtocolViolationError(
        `the user's batch covers rows ${batch.firstRow} to ${batch.firstRow + count}; rows ${this.accepted} to ${this.restorable} are open`
      )
    }
    await this.open(batch, bytes)
    this.userTails.push(tail)
  }

  /** @throws ProtocolViolationError, InvalidProofError */
  private checkTail(batch: Batch): Tail {
    const tail = tailOf(batch)
    const { context } = this.terms
    const last = this.userTails.at(-1) ?? { rows: 0, accepted: 0 }
    const closes = rowsOf(batch) === 0
    if (
      tail.closed !== closes ||
      tail.accepted < last.accepted ||
      tail.accepted > this.accepted ||
      tail.rows < last.rows ||
      tail.rows > context.rows
    ) {
      throw new ProtocolViolationError(`the user's tail at row ${tail.accepted} of ${tail.rows} does not follow row ${last.accepted}`)
    }
    if (batch.blindings.length > 0) throw new ProtocolViolationError("the user's batch has blindings")
    if (!verifyTail({ publicKey: context.userKey, role: 'user', session: this.id, tail })) {
      throw new InvalidProofError('signature', "the user's tail is not signed by its key")
    }
    const known = this.publicHashes[tail.accepted - this.start]
    if (known !== undefined && !equal(known, tail.publicHash)) {
      throw new InvalidProofError('public hash', `the user signed other rows up to row ${tail.accepted}`)
    }
    return tail
  }

  /** Commits to the rows of a user's batch, opens its commitments, and answers. */
  private async open(batch: Batch, bytes: Uint8Array): Promise<void> {
    const { rest, jobs } = this.init
    const { firstRow, commitments } = batch
    const count = rowsOf(batch)
    const rows = rest!.rows.slice(firstRow - rest!.first, firstRow - rest!.first + count)
    const [cy, upsilon, eta] = [new Uint8Array(count * POINT), new Uint8Array(count * POINT), new Uint8Array(count * POINT)]
    for (const [group, indices] of byGroup(rows)) {
      const { h } = await jobs.answer({ group, x: joined(indices.map(i => rows[i]!.x)) })
      const made = await jobs.commitOutputs({ group, h })
      scatter(cy, made.cy, indices)
      scatter(upsilon, made.upsilon, indices)
      scatter(eta, made.eta, indices)
    }
    const runs = runsOf(rows).map(run => ({ group: run.group, x: joined(run.rows.map(({ x }) => x)) }))
    const sums = await jobs.checkInputs({ firstRow, runs, commitments, cy })
    const accepted = rows.map(({ group, position, x }, i) => ({
      number: firstRow + i,
      group,
      position,
      s: pointAt(sums, i),
      x,
      xCommitment: pointAt(commitments, i),
      eta: pointAt(eta, i)
    }))
    for (const row of accepted) {
      this.rows.push(row)
      this.publicHashes.push(publicNext(this.publicHashes.at(-1)!, row))
    }
    this.accepted += count
    this.answerBatch(bytes, { firstRow, commitments: cy, blindings: upsilon }, accepted)
  }

  private answerBatch(user: Uint8Array, body: Pick<Batch, 'firstRow' | 'commitments' | 'blindings'>, rows: readonly SessionRow[]): void {
    const { secretKey, journal } = this.init
    const { accepted, answeredRows } = this
    const batch = sealSettled(body, {
      terms: this.terms,
      role: 'contributor',
      secretKey,
      tail: { rows: answeredRows, accepted, closed: rows.length === 0, publicHash: this.hashAt(accepted) }
    })
    this.ownTails.push(tailOf(batch))
    this.listener?.progressed()
    this.outbox.push(
      'batch',
      () => ({ batch }),
      own => journal.append({ kind: 'contributor batch', user, own, rows })
    )
  }

  /** Rows that this side has accepted and has no trace of but its tail: those hash as that says. */
  private hashAt(accepted: number): Uint8Array {
    return this.publicHashes[accepted - this.start] ?? this.ownTails.at(-1)!.publicHash
  }

  private onReceipt({ signature, code }: Receipt, message: Message): void {
    if (this.statement === undefined || this.answer !== undefined) this.unexpected(message)
    if (code !== 0) {
      this.answer = { code, reason: codeName(code) }
      this.listener?.declined(code)
    } else if (verifySignature(this.terms.context.userKey, signature, LABELS.signReceipt, encodeStatement(this.statement!))) {
      this.answer = { signature }
    } else throw new InvalidProofError('signature', "the user's receipt is not its signature over the statement")
  }
}

const none = new Uint8Array(0)

/** Proves the rows that both sides' tails cover; undefined when there is none that is not proved. */
export async function proveAgreed(given: {
  readonly restored: Pick<RestoredContributor, 'terms' | 'rows' | 'start' | 'publicHashes' | 'userTails'>
  readonly contributorTails: readonly Tail[]
  readonly jobs: Pick<ContributorJobs, 'prove'>
}): Promise<{ readonly proved: ProvedBundle; readonly statement: Statement } | undefined> {
  const { restored, contributorTails, jobs } = given
  const { terms, start, userTails, publicHashes } = restored
  const tails = agreedTails({ userTails, contributorTails, start })
  if (tails === undefined) return undefined
  const end = tails.user.accepted
  const rows = restored.rows.filter(({ number }) => number < end)
  // Rows beyond the last bundle that are forgotten are proved by nobody.
  if (rows.length !== end - start) return undefined
  const proved = await jobs.prove({
    context: terms.context,
    rows,
    publicAtStart: publicHashes[0]!,
    userTail: tails.user,
    contributorTail: tails.contributor
  })
  return {
    proved,
    statement: statementOf(terms, { proved, start, end, publicStart: publicHashes[0]!, publicEnd: publicHashes[end - start]! })
  }
}

/** Of a journal that ends: all tails that this side signed. */
export function tailsOf({ batches, closing }: RestoredContributor): Tail[] {
  return [...batches, ...(closing === undefined ? [] : [closing])].map(({ batch }) => tailOf(batch))
}
