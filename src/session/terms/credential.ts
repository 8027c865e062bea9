/** The credential of a listed user (protocols/session, open): its listed key speaks for the key made for the session. */
import { concat } from '../../bytes.js'
import { MalformedMessageError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import { publicKeyOf, sign, verifySignature } from '../../proof/index.js'
import { LABELS } from '../labels.js'
import { encodeMessage, type Open } from '../messages/messages.js'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

function covered(open: Open): Uint8Array {
  return hash(LABELS.credential, encodeMessage({ open: { ...open, credential: new Uint8Array(0) } }))
}

/**
 * @param contributor bytes of the peer identifier that the stream leads to
 * @returns the same message with the credential
 */
export function withCredential(open: Open, contributor: Uint8Array, listedSeed: Uint8Array): Open {
  const signature = sign(listedSeed, LABELS.signCredential, covered(open), contributor)
  return { ...open, credential: concat([publicKeyOf(listedSeed), signature]) }
}

/**
 * The listed Ed25519 public key that a credential shows; undefined when there is none, or its signature does not verify.
 * @throws MalformedMessageError for another length
 */
export function credentialKey(open: Open, contributor: Uint8Array): Uint8Array | undefined {
  const { credential } = open
  if (credential.length === 0) return undefined
  if (credential.length !== KEY_BYTES + SIGNATURE_BYTES)
    throw new MalformedMessageError(`a credential has ${credential.length} bytes, not 96`)
  const key = credential.subarray(0, KEY_BYTES)
  return verifySignature(key, credential.subarray(KEY_BYTES), LABELS.signCredential, covered(open), contributor) ? key : undefined
}
