/** Signatures that some verifiers accept and ours must refuse. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, fromHex } from '../../src/bytes.js'
import { signedBytes } from '../../src/proof/index.js'

const { Point } = ed25519
const { Fn } = Point

export interface NamedSignature {
  name: string
  publicKey: Uint8Array
  signature: Uint8Array
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/** A point of order 8 (one of the eight that 8 takes to the neutral element). */
const TORSION = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')

/** Signs as RFC 8032 does, with torsion added to R or A: verification with the cofactor accepts it, whatever k is. */
function withTorsion(seed: Uint8Array, message: Uint8Array, where: 'R' | 'A'): { publicKey: Uint8Array; signature: Uint8Array } {
  const { scalar, point } = ed25519.utils.getExtendedPublicKey(seed)
  for (let attempt = 0; ; attempt++) {
    const nonce = Fn.create(littleEndian(sha512(concat([seed, message, Uint8Array.of(attempt)]))))
    const plain = Point.BASE.multiply(nonce)
    const r = (where === 'R' ? plain.add(TORSION) : plain).toBytes()
    const publicKey = (where === 'A' ? point.add(TORSION) : point).toBytes()
    const k = Fn.create(littleEndian(sha512(concat([r, publicKey, message]))))
    // With k = 0 mod 8 the torsion of A vanishes from [k]A: valid for everybody.
    if (k % 8n !== 0n) return { publicKey, signature: concat([r, Fn.toBytes(Fn.create(nonce + k * Fn.create(scalar)))]) }
  }
}

export function badSignatures(seed: Uint8Array, label: string, items: readonly Uint8Array[]): NamedSignature[] {
  const message = signedBytes(label, items)
  const publicKey = ed25519.getPublicKey(seed)
  const good = ed25519.sign(message, seed)
  const r = good.subarray(0, 32)
  const s = good.subarray(32)
  const zero = new Uint8Array(32)
  // y = 1, the neutral element, also written with y = p + 1 and with the sign bit of x = 0 set.
  const neutral = fromHex('01'.padEnd(64, '0'))
  const overlong = fromHex(`ee${'ff'.repeat(30)}7f`)
  // With A neutral [S]B = R for any message; with R neutral [S]B = [k]A.
  const { scalar } = ed25519.utils.getExtendedPublicKey(seed)
  const nonce = Fn.create(littleEndian(sha512(message)))
  const k = Fn.create(littleEndian(sha512(concat([neutral, publicKey, message]))))
  const signedZero = fromHex(`01${'00'.repeat(30)}80`)
  return [
    { name: 'torsion in R: valid only with the cofactor', ...withTorsion(seed, message, 'R') },
    { name: 'torsion in A: valid only with the cofactor', ...withTorsion(seed, message, 'A') },
    { name: 'S + ℓ', publicKey, signature: concat([r, plusOrder(s)]) },
    {
      name: 'A of small order and nothing else wrong: valid for any message',
      publicKey: neutral,
      signature: concat([Point.BASE.multiply(nonce).toBytes(), Fn.toBytes(nonce)])
    },
    {
      name: 'R of small order and nothing else wrong',
      publicKey,
      signature: concat([neutral, Fn.toBytes(Fn.create(k * Fn.create(scalar)))])
    },
    { name: 'A of small order', publicKey: neutral, signature: concat([r, s]) },
    { name: 'A and R of small order, S = 0: valid for any message', publicKey: neutral, signature: concat([neutral, zero]) },
    { name: 'R of small order', publicKey, signature: concat([neutral, s]) },
    { name: 'A written with y above the prime', publicKey: overlong, signature: concat([neutral, zero]) },
    { name: 'A with x = 0 and the sign bit', publicKey: signedZero, signature: concat([neutral, zero]) },
    { name: 'R no point of the curve', publicKey, signature: concat([fromHex('02'.padEnd(64, '0')), s]) },
    { name: 'R of another signature', publicKey, signature: concat([ed25519.sign(concat([message, zero]), seed).subarray(0, 32), s]) },
    { name: 'a key of 31 bytes', publicKey: publicKey.subarray(1), signature: good },
    { name: 'a signature of 63 bytes', publicKey, signature: good.subarray(1) }
  ]
}

function plusOrder(s: Uint8Array): Uint8Array {
  const value = littleEndian(s) + Fn.ORDER
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}
