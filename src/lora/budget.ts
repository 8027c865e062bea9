/**
 * What a user can learn from the answers (session-proof, section 8). Weights are b-bit integers and answers are exact, so far
 * fewer rows than d_in tell the adapter; no proof system changes that. These are the numbers that a contributor is shown when it
 * sets a limit.
 */
import type { QuantizationBits } from './quantize.js'

/** Rows that tell a group's weights, in three senses. */
export interface ExtractionBudget {
  readonly dIn: number
  /**
   * T_min = b · d_in / (a + b − 1 + log2 d_in), rows, not rounded: T rows tell at most the share T / T_min of the bits of A, whoever
   * computes.
   */
  readonly minimumRows: number
  /** r + 2 for the smallest r of the group: about so many rows, any rows, give its B by lattice reduction. */
  readonly latticeRows: number
  /** ⌈d_in / p⌉, p = 1 + ⌊(a − 1) / b⌋: so many chosen rows give all of A·B. */
  readonly chosenRows: number
}

/** @param group widths of the group, as in its manifest */
export function extractionBudget(
  group: { readonly dIn: number; readonly modules: readonly { readonly rank: number }[] },
  bits: QuantizationBits
): ExtractionBudget {
  const { activationBits, weightBits } = bits
  const { dIn, modules } = group
  // So many weights fit one above the other into one activation.
  const weightsInOneRow = 1 + Math.floor((activationBits - 1) / weightBits)
  return {
    dIn,
    minimumRows: (weightBits * dIn) / (activationBits + weightBits - 1 + Math.log2(dIn)),
    latticeRows: Math.min(...modules.map(({ rank }) => rank)) + 2,
    chosenRows: Math.ceil(dIn / weightsInOneRow)
  }
}

/** rows / T_min: at most this share of the bits of the group's A is told by so many rows. Above 1 all of it may be known. */
export function extractedShare(rows: number, budget: ExtractionBudget): number {
  return rows / budget.minimumRows
}

/** What every screen and page says about it. */
export const EXTRACTION_WORDS =
  'The proof keeps the adapter from everybody else, not from those it serves. ' +
  'A few hundred tokens on a 768-wide model, a few thousand on a 4096-wide one, served to one party, give it away.'

/**
 * The sentences for people, with the numbers of this adapter's narrowest group, which is told first.
 * @param adapter groups and widths, as in a manifest
 */
export function extractionWarning(
  adapter: QuantizationBits & { readonly groups: readonly Parameters<typeof extractionBudget>[0][] }
): string {
  const budgets = adapter.groups.map(group => extractionBudget(group, adapter))
  const narrowest = budgets.reduce((least, budget) => (budget.minimumRows < least.minimumRows ? budget : least))
  const latticeRows = Math.min(...budgets.map(budget => budget.latticeRows))
  return (
    `${EXTRACTION_WORDS} This adapter, ${narrowest.dIn} wide at its narrowest input: about ${latticeRows} rows, any rows, give a matrix B; ` +
    `${narrowest.chosenRows} chosen rows give a whole A·B; T rows tell at most T / ${Math.round(narrowest.minimumRows)} of the bits of an A, whoever computes. ` +
    'Every token of a prompt or an answer is one row in each group.'
  )
}
