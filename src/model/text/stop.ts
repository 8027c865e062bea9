/** Ends a text at the first stop string, also when it comes in pieces; what may be the beginning of one is held back. */
export class StopFilter {
  private held = ''

  /** @param stops not empty strings */
  constructor(private readonly stops: readonly string[]) {}

  /** @returns what may be shown, and whether a stop string (itself not shown) was found */
  push(piece: string): { text: string; stopped: boolean } {
    const all = this.held + piece
    const found = this.stops.map(stop => all.indexOf(stop)).filter(at => at !== -1)
    if (found.length > 0) {
      this.held = ''
      return { text: all.slice(0, Math.min(...found)), stopped: true }
    }
    const keep = Math.max(0, ...this.stops.map(stop => overlap(all, stop)))
    this.held = all.slice(all.length - keep)
    return { text: all.slice(0, all.length - keep), stopped: false }
  }

  /** What was held back: the text ends here. */
  flush(): string {
    const text = this.held
    this.held = ''
    return text
  }
}

/** Length of the longest end of the text that begins the stop string. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) if (text.endsWith(stop.slice(0, length))) return length
  return 0
}
