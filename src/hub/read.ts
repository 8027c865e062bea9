/** Reading a file, pipe or device to its end, or to a bound: what it claims to be long is not believed. */
import { open } from 'node:fs/promises'
import { LimitExceededError } from '../errors.js'

/** Bytes read at a time. */
const PIECE = 256 * 1024

/**
 * @param most bytes
 * @param what of the error: `bytes of the config file …`
 * @throws LimitExceededError beyond `most`, and what the system throws
 */
export async function readAtMost(path: string, most: number, what: string, where?: string): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    if (size > most) throw new LimitExceededError(what, size, most, where)
    const pieces: Buffer[] = []
    let length = 0
    for (;;) {
      const piece = Buffer.alloc(PIECE)
      const { bytesRead } = await handle.read(piece, 0, PIECE)
      if (bytesRead === 0) return Buffer.concat(pieces, length)
      length += bytesRead
      if (length > most) throw new LimitExceededError(what, length, most, where)
      pieces.push(piece.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
}
