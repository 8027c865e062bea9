/**
 * Stays in the network: as long as no peer is connected the bootstrap nodes are dialled again, less and less often. libp2p's own
 * bootstrap module dials once, and forgets a node that was not up yet.
 */
import type { Libp2pEvents, Logger, Startable, TypedEventTarget } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { Counters } from '../counters.js'
import { TIMEOUTS } from '../limits.js'
import { withSignals } from '../signals.js'
import { isTimeout, timeLimit } from './time-limit.js'

/** Milliseconds until the first further attempt, and between attempts at most; each wait is twice the one before. */
const FIRST_WAIT = 1000
const LONGEST_WAIT = 60_000

export interface RejoinNode extends Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener' | 'removeEventListener'> {
  readonly logger: { forComponent(name: string): Logger }
  dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<unknown>
  getPeers(): readonly unknown[]
}

export class Rejoin implements Startable {
  private readonly addresses: readonly Multiaddr[]
  private readonly log: Logger
  private readonly controller = new AbortController()
  private timer: ReturnType<typeof setTimeout> | undefined
  private wait: number

  /** @param bootstrap multiaddrs with peers @param firstWait milliseconds */
  constructor(
    private readonly node: RejoinNode,
    bootstrap: readonly string[],
    private readonly firstWait = FIRST_WAIT,
    private readonly counters?: Counters
  ) {
    this.addresses = bootstrap.map(address => multiaddr(address))
    this.log = node.logger.forComponent('zklora:rejoin')
    this.wait = firstWait
  }

  start(): void {
    if (this.addresses.length === 0) return
    this.node.addEventListener('peer:disconnect', this.onChange)
    this.node.addEventListener('peer:connect', this.onChange)
    this.onChange()
  }

  stop(): void {
    this.node.removeEventListener('peer:disconnect', this.onChange)
    this.node.removeEventListener('peer:connect', this.onChange)
    clearTimeout(this.timer)
    this.controller.abort()
  }

  private readonly onChange = (): void => {
    if (this.node.getPeers().length > 0) {
      clearTimeout(this.timer)
      this.timer = undefined
      this.wait = this.firstWait
    } else {
      this.timer ??= setTimeout(() => void this.dial(), this.wait)
    }
  }

  private async dial(): Promise<void> {
    for (const address of this.addresses) {
      try {
        await withSignals([this.controller.signal, timeLimit(TIMEOUTS.dial)], signal => this.node.dial(address, { signal }))
        break
      } catch (error) {
        if (isTimeout(error)) this.counters?.timeouts.add('dial')
        this.log('bootstrap node %a is not reached: %s', address, (error as Error).message)
      }
    }
    this.timer = undefined
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT)
    if (!this.controller.signal.aborted) this.onChange()
  }
}
