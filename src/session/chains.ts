/** The running hashes of a session (protocols/session, Private hash; protocols/bundle, Public running hash). */
import { concat, u32, utf8 } from '../bytes.js'
import { hash } from '../kernel/hash.js'
import { publicNext, publicStart, type PublicRow, type TailRole } from '../proof/index.js'
import { LABELS } from './labels.js'

/** Values of a chain by their index, from the oldest that can still be asked for. */
class History {
  private first = 0
  private readonly values: Uint8Array[]

  constructor(start: Uint8Array) {
    this.values = [start]
  }

  /** Index of the newest value: how many items went in. */
  get count(): number {
    return this.first + this.values.length - 1
  }

  get head(): Uint8Array {
    return this.values[this.values.length - 1]!
  }

  push(value: Uint8Array): void {
    this.values.push(value)
  }

  /** The value after `count` items; `forget` must not have gone beyond it. */
  at(count: number): Uint8Array {
    return this.values[count - this.first]!
  }

  /** Values before `count` are not asked for any more. */
  forget(count: number): void {
    this.values.splice(0, count - this.first)
    this.first = count
  }
}

export interface ChainSecrets {
  readonly user: Uint8Array
  readonly contributor: Uint8Array
}

/** All messages of one direction after accept. */
export class PrivateChain {
  private readonly history: History

  constructor(role: TailRole, session: Uint8Array, secrets: ChainSecrets) {
    this.history = new History(hash(LABELS.privateStart, utf8(role), session, secrets.user, secrets.contributor))
  }

  /** Messages so far. */
  get count(): number {
    return this.history.count
  }

  get head(): Uint8Array {
    return this.history.head
  }

  append(message: Uint8Array): void {
    this.history.push(hash(LABELS.privateMessage, this.history.head, message))
  }

  at(count: number): Uint8Array {
    return this.history.at(count)
  }

  forget(count: number): void {
    this.history.forget(count)
  }
}

/** The rows that this side accepted. */
export class PublicChain {
  private readonly history: History

  constructor(session: Uint8Array) {
    this.history = new History(publicStart(session))
  }

  /** Rows accepted. */
  get accepted(): number {
    return this.history.count
  }

  get head(): Uint8Array {
    return this.history.head
  }

  append(row: PublicRow): void {
    this.history.push(publicNext(this.history.head, row))
  }

  at(accepted: number): Uint8Array {
    return this.history.at(accepted)
  }

  forget(accepted: number): void {
    this.history.forget(accepted)
  }
}

/** What a batch message says, for the private hash that it carries. */
export interface BatchBody {
  readonly firstRow: number
  readonly commitments: Uint8Array
  readonly blindings: Uint8Array
}

/**
 * The private hash of a batch message.
 * @param own the sender's chain before this message
 * @param seen how many messages of the other side it covers, and that side's chain there
 */
export function privateHash(given: {
  readonly session: Uint8Array
  readonly role: TailRole
  readonly own: { readonly count: number; readonly value: Uint8Array }
  readonly batch: BatchBody
  readonly seen: { readonly count: number; readonly value: Uint8Array }
}): Uint8Array {
  const { session, role, own, batch, seen } = given
  const content = hash(LABELS.batch, concat([u32(batch.firstRow), batch.commitments, batch.blindings]))
  return hash(LABELS.private, session, utf8(role), u32(own.count), own.value, content, u32(seen.count), seen.value)
}
