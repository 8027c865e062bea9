/** What both sides of a session have in common while rows are exchanged. */
import type { TailRole } from '../proof/index.js'
import type { Journal } from './journal.js'
import { Ledger } from './ledger.js'
import { Machine, type MachineInit } from './machine.js'

export interface SideInit extends MachineInit {
  /** Ed25519 seed of this side's key. */
  readonly secretKey: Uint8Array
  /** Where everything is written that this side signs, before it leaves. Absent: a session that breaks cannot be settled. */
  readonly journal?: Journal | undefined
}

/** One side of the exchange of rows. */
export abstract class Side extends Machine {
  protected readonly ledger: Ledger
  protected readonly journal: Journal | undefined

  constructor(role: TailRole, init: SideInit) {
    super(role, init)
    this.journal = init.journal
    this.ledger = new Ledger({ terms: init.terms, role, secretKey: init.secretKey })
  }

  /** Rows accepted by this side. */
  get accepted(): number {
    return this.ledger.publicChain.accepted
  }

  /** Rows answered that this side has not accepted yet. */
  abstract get outstandingRows(): number

  protected override sent(bytes: Uint8Array): void {
    this.ledger.sent(bytes)
  }
}
