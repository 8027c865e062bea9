/** Reading a file, pipe or device to its end, or to a bound: what it claims to be long is not believed. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { InvalidInputError, LimitExceededError } from '../errors.js'

/** Bytes read at a time. */
const PIECE = 256 * 1024

/**
 * @param most bytes
 * @param what of the error: `bytes of the config file …`
 * @throws LimitExceededError beyond `most`, and what the system throws
 */
export async function readAtMost(path: string, most: number, what: string, where?: string): Promise<Buffer> {
  return readFrom(await open(path, 'r'), { most, what, where })
}

/**
 * As `readAtMost`, of a file only: a pipe that nobody writes to would keep a thread of this process waiting for ever.
 * @throws InvalidInputError for a pipe, a device or a folder
 */
export async function readFileAtMost(path: string, most: number, what: string, where?: string): Promise<Buffer> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const isFile = await handle.stat().then(stat => stat.isFile())
  if (isFile) return readFrom(handle, { most, what, where })
  await handle.close()
  throw new InvalidInputError(`${path} is no file, but a pipe, a device or a folder`)
}

async function readFrom(
  handle: FileHandle,
  { most, what, where }: { most: number; what: string; where: string | undefined }
): Promise<Buffer> {
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
