/** What an inference-only contributor does: the same deltas in floats, with nothing proved. */
import type { QuantizedGroup } from '../../../src/lora/index.js'

/** @returns work that computes Σ dOut outputs of each row in float arrays, columns of A and rows of B in turn */
export function floatDeltas({ dIn, modules }: QuantizedGroup, rows: Int16Array): () => Float32Array {
  const x = Float32Array.from(rows)
  const weights = modules.map(({ a, b, rank, dOut }) => ({ a: Float32Array.from(a), b: Float32Array.from(b), rank, dOut }))
  const count = x.length / dIn
  const outputs = modules.reduce((sum, { dOut }) => sum + dOut, 0)
  return () => {
    const y = new Float32Array(count * outputs)
    for (let t = 0; t < count; t++) {
      const row = x.subarray(t * dIn, (t + 1) * dIn)
      let at = t * outputs
      for (const { a, b, rank, dOut } of weights) {
        const out = y.subarray(at, at + dOut)
        for (let k = 0; k < rank; k += 4) {
          const h = [0, 1, 2, 3].map(step => (k + step < rank ? dot(row, a.subarray((k + step) * dIn, (k + step + 1) * dIn)) : 0))
          addFour(out, b, { h: h as [number, number, number, number], from: k * dOut })
        }
        at += dOut
      }
    }
    return y
  }
}

/** Four sums at a time, so that one addition does not wait for another. */
function dot(x: Float32Array, a: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  const even = x.length - (x.length % 4)
  for (let i = 0; i < even; i += 4) {
    s0 += x[i]! * a[i]!
    s1 += x[i + 1]! * a[i + 1]!
    s2 += x[i + 2]! * a[i + 2]!
    s3 += x[i + 3]! * a[i + 3]!
  }
  for (let i = even; i < x.length; i++) s0 += x[i]! * a[i]!
  return s0 + s1 + s2 + s3
}

/** Four rows of B at a time, so that the outputs are read and written once for all. Beyond the last row h is zero. */
function addFour(out: Float32Array, b: Float32Array, { h, from }: { h: [number, number, number, number]; from: number }): void {
  const [h0, h1, h2, h3] = h
  const width = out.length
  const [r1, r2, r3] = [1, 2, 3].map(step => Math.min(from + step * width, b.length - width)) as [number, number, number]
  for (let j = 0; j < width; j++) out[j]! += h0 * b[from + j]! + h1 * b[r1 + j]! + h2 * b[r2 + j]! + h3 * b[r3 + j]!
}
