/**
 * What quantisation costs an adapter, before it is served.
 *
 *     const quantizer = new LowRankQuantizer({ weightBits: 8 })
 *     for (const module of readPeftAdapter(files).modules) console.log(module.name, quantizer.error(module))
 */
import {
  DEFAULT_PROFILE,
  type PeftAdapter,
  type PeftModule,
  profileBits,
  type ProfileName,
  type QuantizationBits,
  quantizeAdapter,
  type QuantizedAdapter,
  type QuantizedModule,
  quantizeModule
} from '../lora/index.js'

export class LowRankQuantizer {
  readonly bits: QuantizationBits

  /** @param bits a named profile, or widths in the place of the default profile's */
  constructor(bits: ProfileName | Partial<QuantizationBits> = DEFAULT_PROFILE) {
    this.bits = typeof bits === 'string' ? profileBits(bits) : { ...profileBits(DEFAULT_PROFILE), ...bits }
  }

  /** A and B as integers, with one scale. @throws InvalidInputError for NaN or infinity in the weights */
  quantize(module: PeftModule): QuantizedModule {
    return quantizeModule(module, this.bits.weightBits)
  }

  /** As an adapter is served. @throws InvalidInputError, UnsupportedError when its sums could exceed 2^53 */
  quantizeAdapter(adapter: PeftAdapter): QuantizedAdapter {
    return quantizeAdapter(adapter, this.bits)
  }

  /** The floats that the integers stand for. */
  dequantize({ name, dOut, rank, a, b, scale }: QuantizedModule): PeftModule {
    const dIn = a.length / rank
    const transposed = new Float32Array(dOut * rank)
    for (let k = 0; k < rank; k++) for (let j = 0; j < dOut; j++) transposed[j * rank + k] = b[k * dOut + j]!
    return { name, dIn, dOut, rank, scaling: scale, a: Float32Array.from(a), b: transposed }
  }

  /**
   * ‖Δ − Δ′‖ / ‖Δ‖, Frobenius, of the module's scaling · B · A and of what its integers stand for; 0 for a module that adds nothing.
   * @throws as `quantize`
   */
  error(module: PeftModule): number {
    const stands = this.dequantize(this.quantize(module))
    let [size, difference] = [0, 0]
    for (let j = 0; j < module.dOut; j++) {
      const wanted = deltaRow(module, j)
      const got = deltaRow(stands, j)
      for (let i = 0; i < module.dIn; i++) {
        size += wanted[i]! ** 2
        difference += (wanted[i]! - got[i]!) ** 2
      }
    }
    return size === 0 ? 0 : Math.sqrt(difference / size)
  }
}

/** Row j of scaling · B · A: dIn. */
function deltaRow({ dIn, rank, scaling, a, b }: PeftModule, j: number): Float64Array {
  const row = new Float64Array(dIn)
  for (let k = 0; k < rank; k++) {
    const factor = scaling * b[j * rank + k]!
    for (let i = 0; i < dIn; i++) row[i]! += factor * a[k * dIn + i]!
  }
  return row
}
