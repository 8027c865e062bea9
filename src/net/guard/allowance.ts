/** An allowance that grows with time up to its reserve: how much a peer may do at once, and how much for ever. */
export class Allowance {
  private left: number
  private at: number | undefined

  constructor(
    private readonly perSecond: number,
    private readonly reserve: number
  ) {
    this.left = reserve
  }

  /**
   * Takes so much away, or nothing.
   * @param now milliseconds
   * @param grows false when nothing is added for the time since the last call
   * @returns false when there is not so much left
   */
  spend(amount: number, now: number, grows = true): boolean {
    if (grows && this.at !== undefined) this.left = Math.min(this.reserve, this.left + ((now - this.at) * this.perSecond) / 1000)
    this.at = now
    if (this.left < amount) return false
    this.left -= amount
    return true
  }
}
