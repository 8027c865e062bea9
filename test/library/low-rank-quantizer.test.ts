import test from 'ava'
import { readAdapterFolder } from '../../src/hub/index.js'
import { LowRankQuantizer } from '../../src/index.js'
import { readPeftAdapter } from '../../src/lora/index.js'

const adapter = readPeftAdapter(readAdapterFolder('config/demo/adapters/kjv-llama'))

test('fewer bits cost more, and twelve cost a thousandth', t => {
  for (const module of adapter.modules) {
    const [w12, w8, w4] = [12, 8, 4].map(weightBits => new LowRankQuantizer({ weightBits }).error(module)) as [number, number, number]
    t.true(0 < w12 && w12 < w8 && w8 < w4, `${w12} ${w8} ${w4}`)
    t.true(w12 < 0.005 && w4 < 0.5, `${w12} ${w4}`)
  }
})

test('the error is that of the products, computed entry by entry', t => {
  // 1 × 1 matrices: 3 · 0.4 · 0.6 in one bit and sign is exact, whatever the scales.
  const module = { name: 'm', dIn: 1, dOut: 1, rank: 1, scaling: 3, a: Float32Array.of(0.4), b: Float32Array.of(0.6) }
  const quantizer = new LowRankQuantizer({ weightBits: 4 })
  t.true(quantizer.error(module) < 1e-6)
  // A = (1, 0.5) in 4 bits is (7, 4)/7, and B exact: the difference 0.5 − 4/7 over √(1 + 0.25).
  const two = { ...module, dIn: 2, a: Float32Array.of(1, 0.5) }
  t.true(Math.abs(quantizer.error(two) - (4 / 7 - 0.5) / Math.sqrt(1.25)) < 1e-6)
  t.is(quantizer.error({ ...module, b: Float32Array.of(0) }), 0)
})

test('profiles by name, and the adapter as it is served', t => {
  t.deepEqual(new LowRankQuantizer().bits, { activationBits: 16, weightBits: 12 })
  t.deepEqual(new LowRankQuantizer('w8a8').bits, { activationBits: 8, weightBits: 8 })
  const quantizer = new LowRankQuantizer('w8a16')
  const quantized = quantizer.quantizeAdapter(adapter)
  const [first] = quantized.groups[0]!.modules
  const module = adapter.modules.find(({ name }) => name === first!.name)!
  t.deepEqual(quantizer.quantize(module), first)
  t.like(quantizer.dequantize(first!), { name: module.name, dIn: module.dIn, dOut: module.dOut, rank: module.rank })
  t.throws(() => new LowRankQuantizer('w2a2' as 'w8a8'), { name: 'InvalidInputError' })
})
