/**
 * What can be seen of Ed25519 keys and signatures without computing on the curve: that y and S are in range (protocols/notation).
 * The rest is told by the check of the signature, which costs milliseconds and is rationed; this must not.
 */

/** ℓ, little endian. */
const ORDER = Uint8Array.of(
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
) // prettier-ignore

/** True when the y of these 32 bytes is below 2^255 − 19. */
export function isPointForm(bytes: Uint8Array): boolean {
  if ((bytes[31]! & 0x7f) !== 0x7f) return true
  for (let i = 30; i > 0; i--) if (bytes[i] !== 0xff) return true
  return bytes[0]! < 0xed
}

/** True when R has the form of a point and S is below ℓ. */
export function isSignatureForm(signature: Uint8Array): boolean {
  if (!isPointForm(signature.subarray(0, 32))) return false
  for (let i = 31; i >= 0; i--) {
    const s = signature[32 + i]!
    if (s !== ORDER[i]) return s < ORDER[i]!
  }
  return false
}
