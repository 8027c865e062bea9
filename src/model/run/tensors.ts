/** Tensors as onnxruntime-node has them. */
import ort from './ort.js'
import { UnsupportedError } from '../../errors.js'
import { halfToFloat } from './half.js'

export type Tensors = Map<string, ort.Tensor>

/**
 * Values of a float tensor as float32: a view where that is possible.
 * @throws UnsupportedError for integers and other types
 */
export function floatsOf(tensor: ort.Tensor, name: string): Float32Array {
  if (tensor.type === 'float32') return tensor.data as Float32Array
  if (tensor.type === 'float64') return Float32Array.from(tensor.data as Float64Array)
  if (tensor.type !== 'float16')
    throw new UnsupportedError(`the tensor ${name} is ${tensor.type}; float16, float32 and float64 models are supported`)
  // The bits (ort.ts).
  const data = tensor.data as unknown as Uint16Array
  return Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, data.length), halfToFloat)
}

/** A tensor of integers in the type that the model wants them. */
export function integerTensor(type: 'int32' | 'int64', values: readonly number[], dims: readonly number[]): ort.Tensor {
  return type === 'int64'
    ? new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)
    : new ort.Tensor('int32', Int32Array.from(values), dims)
}
