/** Random adapters for property tests. */
import fc from 'fast-check'
import type { PeftModule, QuantizedGroup, QuantizedModule } from '../../src/lora/index.js'

export function integers(count: number, bits: number): fc.Arbitrary<Int16Array> {
  const most = 2 ** (bits - 1) - 1
  return fc.int16Array({ minLength: count, maxLength: count, min: -most, max: most })
}

/** Finite floats over many magnitudes, zeros among them. */
export function floats(count: number): fc.Arbitrary<Float32Array> {
  return fc.float32Array({ minLength: count, maxLength: count, noNaN: true, noDefaultInfinity: true, min: -(2 ** 50), max: 2 ** 50 })
}

export function peftModule(): fc.Arbitrary<PeftModule> {
  return fc
    .record({ rank: fc.integer({ min: 1, max: 5 }), dIn: fc.integer({ min: 1, max: 9 }), dOut: fc.integer({ min: 1, max: 9 }) })
    .chain(({ rank, dIn, dOut }) =>
      fc.record({
        name: fc.constant('m.0.attn.c_attn'),
        rank: fc.constant(rank),
        dIn: fc.constant(dIn),
        dOut: fc.constant(dOut),
        scaling: fc.double({ min: 0.01, max: 64, noNaN: true }),
        a: floats(rank * dIn),
        b: floats(rank * dOut)
      })
    )
}

function quantizedModule(dIn: number, weightBits: number): fc.Arbitrary<QuantizedModule> {
  return fc.record({ rank: fc.integer({ min: 1, max: 9 }), dOut: fc.integer({ min: 1, max: 12 }) }).chain(({ rank, dOut }) =>
    fc.record({
      name: fc.uuid(),
      rank: fc.constant(rank),
      dOut: fc.constant(dOut),
      a: integers(rank * dIn, weightBits),
      b: integers(rank * dOut, weightBits),
      scale: fc.double({ min: 1e-9, max: 1e-3, noNaN: true })
    })
  )
}

/** A group of one to three modules with `count` rows for it, all within their widths. */
export function groupWithRows(
  activationBits: number,
  weightBits: number
): fc.Arbitrary<{ group: QuantizedGroup; x: Int16Array; count: number }> {
  return fc.record({ dIn: fc.integer({ min: 1, max: 40 }), count: fc.integer({ min: 0, max: 5 }) }).chain(({ dIn, count }) =>
    fc.record({
      group: fc.record({ dIn: fc.constant(dIn), modules: fc.array(quantizedModule(dIn, weightBits), { minLength: 1, maxLength: 3 }) }),
      x: integers(count * dIn, activationBits),
      count: fc.constant(count)
    })
  )
}
