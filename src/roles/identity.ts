/**
 * Who this node is: an Ed25519 key in a file that only its owner may read. libp2p's own encoding of the private key, in base64,
 * so that other libp2p programs can use the file.
 */
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { link, open, readFile, stat, unlink } from 'node:fs/promises'
import { InvalidInputError } from '../errors.js'
import { systemReason } from './system-error.js'

/** Bytes: an encoded Ed25519 key has 92 characters; anything much longer is another file. */
const MOST_BYTES = 1024

async function readKey(file: string): Promise<Ed25519PrivateKey> {
  const { mode, size } = await stat(file)
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0')
    throw new InvalidInputError(
      `key file ${file} has mode ${shown}, so others can read it: chmod 600 ${file}, or move it away for a new identity`
    )
  }
  if (size > MOST_BYTES)
    throw new InvalidInputError(`key file ${file} has ${size} bytes, a key has fewer than ${MOST_BYTES}: it is another file`)
  const text = (await readFile(file, 'utf8')).trim()
  try {
    const key = privateKeyFromProtobuf(new Uint8Array(Buffer.from(text, 'base64')))
    if (key.type === 'Ed25519') return key
  } catch {
    // What was read is a secret, or near one: it is not repeated.
  }
  throw new InvalidInputError(`key file ${file} holds no Ed25519 key: restore it from a copy, or move it away for a new identity`)
}

/** Written beside the file and linked to its name: a key file is never half written, and never overwrites another. */
async function makeKey(file: string): Promise<Ed25519PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  const draft = `${file}.${process.pid}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(`${Buffer.from(privateKeyToProtobuf(key)).toString('base64')}\n`)
    await handle.sync()
    await link(draft, file)
  } finally {
    await handle.close()
    await unlink(draft)
  }
  return key
}

/**
 * The key of this node, made at the first start.
 * @throws InvalidInputError when others may read the file, or it holds no key. The text of the file is never in the message.
 */
export async function loadIdentity(file: string): Promise<{ key: Ed25519PrivateKey; made: boolean }> {
  try {
    return { key: await readKey(file), made: false }
  } catch (cause) {
    if (cause instanceof InvalidInputError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new InvalidInputError(`key file ${file} cannot be read (${systemReason(cause)})`, { cause })
  }
  try {
    return { key: await makeKey(file), made: true }
  } catch (cause) {
    throw new InvalidInputError(`key file ${file} cannot be made (${systemReason(cause)})`, { cause })
  }
}
