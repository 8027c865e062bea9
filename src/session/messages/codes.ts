/** Status codes (protocols/session, Codes): all that a peer is told of an error. */
import {
  InvalidProofError,
  LimitExceededError,
  MalformedMessageError,
  ProtocolViolationError,
  RefusedError,
  TimeoutError
} from '../../errors.js'

export const CODE = {
  unknownAdapter: 1,
  otherBaseModel: 2,
  unknownGroups: 3,
  tooManyRows: 4,
  budgetSpent: 5,
  busy: 6,
  notListed: 7,
  activationBits: 8,
  shuttingDown: 9,
  notSupported: 10,
  malformedMessage: 11,
  limitExceeded: 12,
  protocolViolation: 13,
  invalidProof: 14,
  timeout: 15,
  internalError: 16,
  bundleNotFetched: 17,
  bundleInvalid: 18,
  bundleOfAnotherSession: 19,
  unknownSession: 20
} as const

export type Code = (typeof CODE)[keyof typeof CODE]

/** The names of the protocol page, and what the person who reads them may do. */
const NAMES: Record<Code, readonly [name: string, remedy: string]> = {
  1: ['unknown adapter', 'it does not serve this adapter any more; look for another contributor'],
  2: ['other base model', 'the adapter belongs to another base model'],
  3: ['unknown groups', 'its manifest has no such modules'],
  4: ['too many rows wanted', 'ask for fewer tokens'],
  5: ['extraction budget spent', 'its owner allows no more rows of this adapter; look for another contributor'],
  6: ['busy', 'try again later'],
  7: ['not listed', 'only listed peers are served; ask its owner to list this peer'],
  8: ['activation bits', 'the adapter is made for another width of activations'],
  9: ['shutting down', 'look for another contributor'],
  10: ['not supported', 'it may run another version'],
  11: ['malformed message', 'it could not read what this node sent'],
  12: ['limit exceeded', 'this node asked for more than it accepts'],
  13: ['protocol violation', 'it did not expect what this node sent'],
  14: ['invalid commitment, signature or hash', 'what this node sent does not verify there'],
  15: ['timeout', 'this node was too slow for it'],
  16: ['internal error', 'something went wrong there'],
  17: ['bundle could not be fetched', 'the proof did not arrive'],
  18: ['bundle invalid', 'the proof does not verify there'],
  19: ['bundle does not fit the session', 'the proof is about other rows'],
  20: ['unknown session', 'it keeps nothing of this session, or has lost what it signed']
}

/** Unknown codes are shown as numbers. */
export function codeName(code: number): string {
  return (NAMES as Record<number, readonly [string, string]>)[code]?.[0] ?? `code ${code}`
}

/** Our own refusal: carries the code that goes to the peer. */
export class RefusalError extends RefusedError {
  constructor(
    readonly status: Code,
    retryAfter = 0
  ) {
    super(codeName(status), `refused: ${codeName(status)}`, retryAfter)
    this.name = 'RefusedError'
  }
}

/** What a code from the peer means to the person here. @param who at the beginning of the sentence */
export function refusedBy(who: string, code: number, retryAfter = 0): RefusedError {
  const remedy = (NAMES as Record<number, readonly [string, string]>)[code]?.[1] ?? 'this version does not know the code'
  const later = retryAfter > 0 ? ` (it says: in ${retryAfter} s)` : ''
  return new RefusedError(codeName(code), `${who} refused: ${codeName(code)}; ${remedy}${later}`, retryAfter)
}

/** The code by which the peer learns of an error here. */
export function codeOf(error: unknown): Code {
  if (error instanceof RefusalError) return error.status
  if (error instanceof MalformedMessageError) return CODE.malformedMessage
  if (error instanceof LimitExceededError) return CODE.limitExceeded
  if (error instanceof ProtocolViolationError) return CODE.protocolViolation
  if (error instanceof InvalidProofError) return CODE.invalidProof
  if (error instanceof TimeoutError) return CODE.timeout
  return CODE.internalError
}
