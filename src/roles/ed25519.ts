/** Node's own Ed25519 for the portable rooms: OpenSSL's, which compares the bytes of R, and refuses S of ℓ and above. */
import { createPublicKey, verify } from 'node:crypto'
import { concat, fromHex } from '../bytes.js'
import { useEd25519 } from '../proof/index.js'

/** SubjectPublicKeyInfo of an Ed25519 key, before its 32 bytes (RFC 8410, section 4). */
const SPKI = fromHex('302a300506032b6570032100')

/** In this thread, from now on. */
export function useNodeEd25519(): void {
  useEd25519((publicKey, signature, message) => {
    const key = createPublicKey({ key: Buffer.from(concat([SPKI, publicKey])), format: 'der', type: 'spki' })
    return verify(null, message, key, signature)
  })
}
