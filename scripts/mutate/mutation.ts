/** One security check taken out of the code, and the tests of which at least one must fail then. */
export interface Mutation {
  /** What the check is for, in words of protocols/ and of the design. */
  readonly rule: string
  /** Source file. */
  readonly file: string
  /** Exact source text that stands in the file once, and what takes its place. */
  readonly text: string
  readonly replacement: string
  /** Rooms and names of test files, such as `attack/rows`. */
  readonly tests: readonly string[]
}

type Change = readonly [rule: string, text: string, replacement: string]

/** A condition that is never met: what it guards does not happen. */
export const never = (rule: string, condition: string): Change => [rule, `if (${condition})`, 'if (false)']

/** A statement or a part of one that is left out. */
export const without = (rule: string, text: string): Change => [rule, text, '']

/** One text in the place of another. */
export const instead = (rule: string, text: string, replacement: string): Change => [rule, text, replacement]

/** Changes of one file that the same tests are to find. */
export function changes(file: string, tests: readonly string[], ...list: readonly Change[]): Mutation[] {
  return list.map(([rule, text, replacement]) => ({ rule, file, text, replacement, tests }))
}
