/** Cuts a byte stream into lines without ever keeping more than one bounded line. */
import { LimitExceededError } from '../../errors.js'

export class LineSplitter {
  private parts: Buffer[] = []
  private kept = 0

  constructor(private readonly mostBytes: number) {}

  /**
   * The lines that `chunk` completes, without their newline.
   * @throws LimitExceededError for a line above the bound; what was kept is dropped.
   */
  push(chunk: Buffer): string[] {
    const lines: string[] = []
    let from = 0
    for (;;) {
      const to = chunk.indexOf(0x0a, from)
      const part = chunk.subarray(from, to < 0 ? chunk.length : to)
      this.kept += part.length
      if (this.kept > this.mostBytes) {
        const { kept } = this
        this.parts = []
        this.kept = 0
        throw new LimitExceededError('bytes of a line', kept, this.mostBytes, 'on the control socket')
      }
      this.parts.push(part)
      if (to < 0) return lines
      lines.push(Buffer.concat(this.parts).toString('utf8'))
      this.parts = []
      this.kept = 0
      from = to + 1
    }
  }
}
