/**
 * The heavy work of a session, asked for by the state machines. Arguments and results are plain data, so that a pool of workers can
 * do it; `inline.ts` does it in this thread. What a job refuses it throws as InvalidProofError or MalformedMessageError.
 */
import type { ProvedBundle, SessionContext, SessionRow, Tail, VerifiedProof } from '../../proof/index.js'

/** Rows of one group, count × d_in integers. */
export interface InputJob {
  /** Manifest index. */
  readonly group: number
  readonly x: Int16Array
}

/** Consecutive rows of one group in a batch, on the contributor's side. */
export type InputRun = InputJob

/** Consecutive rows of one group in a batch, as the user got them: count × outputs integers. */
export interface OutputRun {
  readonly group: number
  readonly y: Float64Array
}

export interface Answer {
  /** count × Σ rank: secret, for the commitments. */
  readonly h: Float64Array
  /** count × outputs. */
  readonly y: Float64Array
}

/** Each count × 32 bytes. */
export interface OutputCommitments {
  readonly cy: Uint8Array
  /** Go to the user. */
  readonly upsilon: Uint8Array
  /** Stay here until the proof. */
  readonly eta: Uint8Array
}

export interface ContributorJobs {
  /** y = x·A·B. */
  answer(job: InputJob): Promise<Answer>
  commitOutputs(job: { readonly group: number; readonly h: Float64Array }): Promise<OutputCommitments>
  /**
   * Opens the user's batch.
   * @param cy this side's commitments to the same rows
   * @returns S of each row
   */
  checkInputs(job: {
    readonly firstRow: number
    readonly runs: readonly InputRun[]
    readonly commitments: Uint8Array
    readonly cy: Uint8Array
  }): Promise<Uint8Array>
  prove(job: {
    readonly context: SessionContext
    readonly rows: readonly SessionRow[]
    /** Public hash before the first row; needed when that is not row 0. */
    readonly publicAtStart?: Uint8Array | undefined
    readonly userTail: Tail
    readonly contributorTail: Tail
  }): Promise<ProvedBundle>
}

export interface UserJobs {
  /** count × 32 bytes. */
  commitInputs(job: InputJob): Promise<Uint8Array>
  /**
   * Opens the contributor's batch.
   * @param x this side's commitments to the same rows
   * @returns S of each row
   */
  checkOutputs(job: {
    readonly firstRow: number
    readonly runs: readonly OutputRun[]
    readonly commitments: Uint8Array
    readonly blindings: Uint8Array
    readonly x: Uint8Array
  }): Promise<Uint8Array>
  verify(bundle: Uint8Array): Promise<VerifiedProof>
}
