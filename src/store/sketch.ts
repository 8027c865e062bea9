/**
 * How alike two adapters are, from 2 × 16 KiB kept of each, so that a fine-tuned version is recognised also after the first was
 * removed (session-proof.md, section 8: the extraction count carries over).
 *
 * A count sketch (Charikar, Chen, Farach-Colton 2002): each weight is added, with a sign, to one of 4,096 sums, both chosen by a
 * hash of its place. Inner products of sketches are those of the weights in expectation, with a standard deviation of about
 * 1 / √4096 = 0.016 of the product of the norms: enough to tell a cosine of 0.5 from one of 0. A and B have a sketch each;
 * adapters trained apart have cosines near 0 (B starts at zero, A from independent noise), a version trained on from another has
 * not: fine-tuning moves weights by a fraction of their size.
 */
import type { QuantizedAdapter } from '../lora/types.js'

const BUCKETS = 4096
/** Cosine of A or of B from which an adapter counts as a version of another. */
export const SAME_LINEAGE = 0.5

/** 2 × 4,096 sums: of A's weights, then of B's. Secret, like the weights. */
export type Sketch = Float32Array

/** Place of a weight to bucket and sign: the finaliser of MurmurHash3. */
function mix(place: number): number {
  let h = Math.imul(place ^ (place >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

export function sketchOf(adapter: QuantizedAdapter): Sketch {
  const sketch = new Float32Array(2 * BUCKETS)
  let placeA = 1
  let placeB = 1
  const add = (offset: number, place: number, weights: Int16Array): void => {
    for (let i = 0; i < weights.length; i++) {
      const h = mix(place + i)
      sketch[offset + (h & (BUCKETS - 1))]! += h >>> 31 === 0 ? weights[i]! : -weights[i]!
    }
  }
  for (const { modules } of adapter.groups) {
    for (const { a, b } of modules) {
      add(0, placeA, a)
      add(BUCKETS, placeB, b)
      placeA += a.length
      placeB += b.length
    }
  }
  return sketch
}

function cosine(a: Float32Array, b: Float32Array): number {
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return aa === 0 || bb === 0 ? 0 : ab / Math.sqrt(aa * bb)
}

/** The larger of the cosines of A and of B. */
export function similarity(a: Sketch, b: Sketch): number {
  return Math.max(cosine(a.subarray(0, BUCKETS), b.subarray(0, BUCKETS)), cosine(a.subarray(BUCKETS), b.subarray(BUCKETS)))
}

/** Base model, widths and ranks: only adapters that agree in these are compared. */
export function shapeOf(adapter: QuantizedAdapter): string {
  return JSON.stringify(adapter.groups.map(({ dIn, modules }) => [dIn, modules.map(({ name, dOut, rank }) => [name, dOut, rank])]))
}
