/**
 * Ed25519 (RFC 8032) over labelled items, verified strictly (protocols/notation, Signatures): canonical encodings, no point of small
 * order, no cofactor. noble's own `verify` multiplies by the cofactor, so that a signature with torsion in R would pass for some
 * verifiers and fail for others; here the equation is computed with points.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, equal, prefixed, utf8 } from '../bytes.js'

const { Point } = ed25519
const ORDER = Point.Fn.ORDER
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** Public key of a 32-byte seed. */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(secretKey)
}

/** The bytes that a signature over labelled items signs. */
export function signedBytes(label: string, items: readonly Uint8Array[]): Uint8Array {
  return concat([prefixed(utf8(label)), ...items.map(prefixed)])
}

/** 64 bytes R ‖ S by a 32-byte seed. */
export function sign(secretKey: Uint8Array, label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return ed25519.sign(signedBytes(label, items), secretKey)
}

/**
 * An Ed25519 that checks S < ℓ and compares the bytes of [S]B − [k]A with R (no cofactor), as OpenSSL's does: false for whatever is not
 * so. What it need not look at is looked at before: canonical encodings, points of small order.
 */
export type Ed25519Verify = (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean

let native: Ed25519Verify | undefined

/** Verifies with another Ed25519 in this thread from now on: a platform's own takes a fifth of the time. Absent: noble's arithmetic. */
export function useEd25519(verify: Ed25519Verify | undefined): void {
  native = verify
}

/** Strict verification; false for anything that is not this key's signature, whatever the bytes are. */
export function verifySignature(publicKey: Uint8Array, signature: Uint8Array, label: string, ...items: readonly Uint8Array[]): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
  if (native !== undefined) {
    return mayStand(publicKey) && mayStand(signature.subarray(0, KEY_BYTES)) && native(publicKey, signature, signedBytes(label, items))
  }
  const a = decodePoint(publicKey)
  const r = decodePoint(signature.subarray(0, KEY_BYTES))
  const s = littleEndian(signature.subarray(KEY_BYTES))
  if (a === undefined || r === undefined || s >= ORDER) return false
  const k = littleEndian(sha512(concat([signature.subarray(0, KEY_BYTES), publicKey, signedBytes(label, items)]))) % ORDER
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k))
  return equal(expected.toBytes(), signature.subarray(0, KEY_BYTES))
}

/** A canonical encoding of a point that is not of small order. */
function decodePoint(bytes: Uint8Array): InstanceType<typeof Point> | undefined {
  let point
  try {
    // zip215 = false: y below the prime, and no sign bit where x is 0.
    point = Point.fromBytes(bytes, false)
  } catch {
    return undefined
  }
  return point.isSmallOrder() ? undefined : point
}

const PRIME = Point.Fp.ORDER

/** y of the eight points of small order: those that 8 takes to the neutral element. */
const SMALL_ORDER = new Set(smallOrder())

function smallOrder(): bigint[] {
  let point = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const generator = point
  const found: bigint[] = []
  for (let i = 0; i < 8; i++, point = point.add(generator)) found.push(point.toAffine().y)
  return found
}

/** An encoding below the prime and of no point of small order, whatever the sign of x; perhaps of no point at all. */
function mayStand(bytes: Uint8Array): boolean {
  const y = littleEndian(bytes) & (2n ** 255n - 1n)
  return y < PRIME && !SMALL_ORDER.has(y)
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
