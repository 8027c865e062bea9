/**
 * onnxruntime-node, with float16 tensors as the bits in a Uint16Array on every Node. Where the engine has a Float16Array (Node 24),
 * onnxruntime-common would use it, and the native side of onnxruntime-node 1.30 takes such an input for an empty one ("not enough
 * space: expected 8192, got 0"). onnxruntime-common looks for it once, when the first tensor is made: here.
 */
import ort from 'onnxruntime-node'

const scope = globalThis as { Float16Array?: unknown }

function settleTensorTypes(): void {
  const present = scope.Float16Array
  delete scope.Float16Array
  try {
    new ort.Tensor('bool', [], [0])
  } finally {
    if (present !== undefined) Object.defineProperty(scope, 'Float16Array', { value: present, configurable: true, writable: true })
  }
}

settleTensorTypes()

export default ort
