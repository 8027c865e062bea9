/** Bundles that wait to be verified: in batches, each one multiplication of many points, the owners of their adapters in turn. */
import { toHex } from '../../bytes.js'
import type { VerifiedProof, VerifyItem } from '../../proof/index.js'
import type { VerifiedBatch } from '../../session/index.js'
import type { Share } from './share.js'

/** Who verifies them. */
export interface BatchChecks {
  /** For each in order what it shows, or the error for which it is refused; a batch that fails is verified one by one. */
  bundles(items: readonly VerifyItem[]): Promise<VerifiedBatch>
  /** Batches at a time. */
  readonly atOnce: number
  /** Bytes of bundles after which a batch is full; 0: each bundle by itself. */
  readonly batchBytes: number
}

interface Waiting {
  readonly item: VerifyItem
  resolve(result: { proof: VerifiedProof; elapsed: number }): void
  reject(error: unknown): void
}

/**
 * What comes while a batch is verified makes the next one: without a load each bundle is verified at once and alone, and the more of
 * them wait the less each costs.
 */
export class Batches {
  /** By owner; the first one's turn is next. */
  private readonly lines = new Map<string, Waiting[]>()
  private running = 0
  private resting = false

  /**
   * @param share of the processor that verifying takes; batches wait while it is spent
   * @param signal what waits is given up when it aborts
   */
  constructor(
    private readonly checks: BatchChecks,
    private readonly share: Pick<Share, 'open' | 'isOpen' | 'spend'>,
    private readonly signal: AbortSignal
  ) {
    signal.addEventListener('abort', () => {
      for (const waiting of this.lines.values()) for (const { reject } of waiting) reject(signal.reason)
      this.lines.clear()
    })
  }

  /**
   * @returns with the milliseconds that it took: of a batch, the part that is its bytes'
   * @throws MalformedMessageError, LimitExceededError, InvalidProofError, the signal's reason
   */
  verify(item: VerifyItem): Promise<{ proof: VerifiedProof; elapsed: number }> {
    return new Promise((resolve, reject) => {
      this.signal.throwIfAborted()
      this.join(toHex(item.manifest.owner), { item, resolve, reject })
      this.next()
    })
  }

  private join(owner: string, ...waiting: Waiting[]): void {
    this.lines.set(owner, [...(this.lines.get(owner) ?? []), ...waiting])
  }

  private next(): void {
    while (this.running < this.checks.atOnce && this.lines.size > 0) {
      if (!this.share.isOpen) {
        this.later()
        return
      }
      this.running++
      void this.check(this.take()).finally(() => {
        this.running--
        this.next()
      })
    }
  }

  /** Goes on when less than the share is spent. */
  private later(): void {
    if (this.resting) return
    this.resting = true
    // What waits has been given up when the signal aborts.
    void this.share
      .open(this.signal)
      .catch(() => {})
      .finally(() => {
        this.resting = false
        this.next()
      })
  }

  /** One of each owner in turn until the batch is full. */
  private take(): Waiting[] {
    const batch: Waiting[] = []
    let bytes = 0
    for (const [owner, [first, ...others]] of this.lines) {
      batch.push(first!)
      bytes += first!.item.bundle.length
      this.lines.delete(owner)
      // At the end of the map, which this loop then comes to.
      if (others.length > 0) this.join(owner, ...others)
      if (bytes >= this.checks.batchBytes) break
    }
    return batch
  }

  private async check(batch: readonly Waiting[]): Promise<void> {
    try {
      const { results, elapsed } = await this.checks.bundles(batch.map(({ item }) => item))
      this.share.spend(elapsed)
      const all = batch.reduce((sum, { item }) => sum + item.bundle.length, 0)
      batch.forEach(({ item, resolve, reject }, i) => {
        const result = results[i]!
        if (result instanceof Error) reject(result)
        else resolve({ proof: result, elapsed: (elapsed * item.bundle.length) / all })
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
