/** Constants of edwards25519 and ristretto255 (RFC 9496, section 4.1), as pairs of elements with the same value in both lanes. */
import { fill } from './lanes'

/** 0 */
export const ZERO: usize = memory.data(80, 16)
/** 1 */
export const ONE: usize = memory.data(80, 16)
/** 1/2 */
export const HALF: usize = memory.data(80, 16)
/** −d */
export const MINUS_D: usize = memory.data(80, 16)
/** −2d */
export const MINUS_2D: usize = memory.data(80, 16)
/** √−1 */
export const SQRT_M1: usize = memory.data(80, 16)
/** 1/√(a − d) */
export const INVSQRT_A_MINUS_D: usize = memory.data(80, 16)
/** √(ad − 1) */
export const SQRT_AD_MINUS_ONE: usize = memory.data(80, 16)
/** 1 − d² */
export const ONE_MINUS_D_SQ: usize = memory.data(80, 16)
/** (d − 1)² */
export const D_MINUS_ONE_SQ: usize = memory.data(80, 16)
/** d */
export const D: usize = memory.data(80, 16)

/** Canonical values, 32 bytes each. */
export const BYTES_OF_ONE: usize = memory.data<u64>([
  0x0000000000000001, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000
], 16)
export const BYTES_OF_MINUS_ONE: usize = memory.data<u64>([
  0xffffffffffffffec, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff
], 16)
export const BYTES_OF_MINUS_SQRT_M1: usize = memory.data<u64>([
  0x3b11e4d8b5f15f3d, 0xd0bce7f952d01b87, 0xd4b2ff66c2042858, 0x547cdb7fb03e20f4
], 16)

/** Makes the constants; called once, before anything else. */
export function prepare(): void {
  fill(ONE, 0x0000000000000001, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000)
  fill(HALF, 0xfffffffffffffff7, 0xffffffffffffffff, 0xffffffffffffffff, 0x3fffffffffffffff)
  fill(MINUS_D, 0x8a14b235eca6874a, 0xff8ff5b2bebe2754, 0x7338bf8688861767, 0x2dfc9311d490018c)
  fill(MINUS_2D, 0x1429646bd94d0e94, 0xff1feb657d7c4ea9, 0xe6717f0d110c2ecf, 0x5bf92623a9200318)
  fill(SQRT_M1, 0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b)
  fill(INVSQRT_A_MINUS_D, 0x99c8fdaa805d40ea, 0x9d2f16175a4172be, 0x16c27b91fe01d840, 0x786c8905cfaffca2)
  fill(SQRT_AD_MINUS_ONE, 0x7e97f6a0497b2e1b, 0xaf9d8e0c1b7854bd, 0x0f3cfcc931f5d1fd, 0x376931bf2b8348ac)
  fill(ONE_MINUS_D_SQ, 0xe27c09c1945fc176, 0x2c81a138cd5e350f, 0x9994abddbe70dfe4, 0x029072a8b2b3e0d7)
  fill(D_MINUS_ONE_SQ, 0x31ad5aaa44ed4d20, 0xd29e4a2cb01e1999, 0x4cdcd32f529b4eeb, 0x5968b37af66c2241)
  fill(D, 0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73)
}
