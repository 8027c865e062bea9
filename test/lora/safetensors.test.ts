import test from 'ava'
import fc from 'fast-check'
import { concat, u64, utf8 } from '../../src/bytes.js'
import { MAX_HEADER_BYTES, readSafetensors, readSafetensorsHeader } from '../../src/lora/index.js'
import { InvalidInputError, UnsupportedError, ZkloraError } from '../../src/errors.js'
import { adapterFiles, safetensorsFile } from './files.js'
import type { TensorSource } from './files.js'

const TWO: readonly TensorSource[] = [
  { name: 'first', shape: [2, 3], data: [1, -2, 3.5, 0, 1e-30, -1e30] },
  { name: 'second', shape: [2], data: [7, 8] }
]

function bytesOf16(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(values).buffer)
}

function file(header: string, data = new Uint8Array(0)): Uint8Array {
  const text = utf8(header)
  return concat([u64(text.length), text, data])
}

test('float32 tensors are read as they are, with their shapes', t => {
  const tensors = readSafetensors(safetensorsFile(TWO, entries => ({ __metadata__: { format: 'pt' }, ...entries })))
  t.deepEqual([...tensors.keys()], ['first', 'second'])
  t.deepEqual(tensors.get('first')!.data, Float32Array.from([1, -2, 3.5, 0, 1e-30, -1e30]))
  t.deepEqual(tensors.get('first')!.shape, [2, 3])
})

test('a file that does not begin at an aligned address is read alike', t => {
  const bytes = safetensorsFile(TWO)
  const moved = new Uint8Array(bytes.length + 1)
  moved.set(bytes, 1)
  t.deepEqual(readSafetensors(moved.subarray(1)), readSafetensors(bytes))
})

test('bfloat16 is widened exactly: it is the upper half of a float32', t => {
  const halves = [0x0000, 0x3f80, 0xc000, 0x0001, 0x7f7f, 0x8000, 0x4049]
  const data = readSafetensors(safetensorsFile([{ name: 'w', shape: [7], dtype: 'BF16', data: bytesOf16(halves) }])).get('w')!.data
  t.deepEqual(data, new Float32Array(Uint32Array.from(halves, half => half << 16).buffer))
})

test('float16 is widened exactly: normal, subnormal, largest, smallest, both zeros', t => {
  const halves = [0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0xfbff, 0x0400, 0x03ff, 0x0001, 0x3555]
  const data = readSafetensors(safetensorsFile([{ name: 'w', shape: [10], dtype: 'F16', data: bytesOf16(halves) }])).get('w')!.data
  const expected = [0, -0, 1, -2, 65504, -65504, 2 ** -14, 1023 * 2 ** -24, 2 ** -24, 0.333251953125]
  t.deepEqual(data, Float32Array.from(expected))
})

const NOT_FINITE: readonly (readonly [string, number[], string])[] = [
  ['F32', [0, 0, 0x0000, 0x7fc0], 'NaN'],
  ['F32', [0, 0, 0x0000, 0xff80], '-Infinity'],
  ['BF16', [0, 0x7fc0], 'NaN'],
  ['BF16', [0, 0x7f80], 'Infinity'],
  ['F16', [0, 0x7e00], 'NaN'],
  ['F16', [0, 0xfc00], '-Infinity']
]
for (const [dtype, halves, value] of NOT_FINITE) {
  test(`${value} in ${dtype} is refused with the tensor's name and the element`, t => {
    const bytes = safetensorsFile([{ name: 'layer.7.w', shape: [2], dtype, data: bytesOf16(halves) }])
    const error = t.throws(() => readSafetensors(bytes), { instanceOf: InvalidInputError })
    t.is(error.message, `tensor layer.7.w has ${value} at element 1; weights must be finite`)
  })
}

test('a tensor of another data type is refused by name, those beside it can be read', t => {
  const bytes = safetensorsFile([{ name: 'ids', shape: [1], dtype: 'I64', data: new Uint8Array(8) }])
  t.throws(() => readSafetensors(bytes), { instanceOf: UnsupportedError, message: /tensor ids is stored as I64/ })
  t.is(readSafetensorsHeader(bytes).get('ids')!.dtype, 'I64')
})

for (const dtype of ['F12', 'constructor']) {
  test(`the unknown data type ${dtype} is refused by name`, t => {
    const bytes = safetensorsFile([{ name: 'w', shape: [1], dtype, data: new Uint8Array(4) }])
    t.throws(() => readSafetensors(bytes), { instanceOf: UnsupportedError, message: new RegExp(`stored as ${dtype}, which is not known`) })
  })
}

const MALFORMED: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['an empty file', new Uint8Array(0), /has 0 bytes/],
  ['seven bytes', new Uint8Array(7), /has 7 bytes/],
  [
    'a header longer than the bound',
    concat([u64(MAX_HEADER_BYTES + 1), new Uint8Array(64)]),
    /its header claims 8388609 bytes, at most 8388608/
  ],
  ['a header length of 2^64 − 1', concat([u64(2n ** 64n - 1n), new Uint8Array(64)]), /claims 18446744073709551615 bytes/],
  ['a header longer than the file', concat([u64(100), utf8('{}')]), /cut off: its header claims 100 bytes, the file has 10/],
  ['a header that is not JSON', file('{"w": '), /not JSON/],
  ['a header that is not UTF-8', concat([u64(2), Uint8Array.of(0x22, 0xff)]), /not JSON in UTF-8/],
  ['a header that is an array', file('[]'), /not a JSON object/],
  ['a header that is null', file('null'), /not a JSON object/],
  ['an entry that is not an object', file('{"w": 5}'), /tensor w is wrong at its entry/],
  ['an entry without offsets', file('{"w": {"dtype": "F32", "shape": []}}'), /tensor w is wrong at data_offsets/],
  ['a negative dimension', file('{"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}'), /tensor w is wrong at shape\.0/],
  ['a fractional dimension', file('{"w": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 0]}}'), /tensor w is wrong at shape\.0/],
  [
    'an offset that is no exact integer',
    file('{"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 1e300]}}'),
    /tensor w is wrong at data_offsets\.1/
  ],
  [
    'a tensor beyond the end',
    file('{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}', new Uint8Array(4)),
    /tensor w lies at bytes 0 to 8 of 4/
  ],
  [
    'a tensor that ends before it begins',
    file('{"w": {"dtype": "F32", "shape": [0], "data_offsets": [4, 0]}}', new Uint8Array(4)),
    /tensor w lies at bytes 4 to 0/
  ],
  [
    'a shape that needs more bytes',
    file('{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', new Uint8Array(4)),
    /shape \[2\] in F32 takes 8 bytes, its offsets span 4/
  ],
  [
    'a shape whose product overflows to its bytes',
    file('{"w": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}}'),
    /takes 73786976294838206464 bytes/
  ],
  ['bytes after the last tensor', concat([safetensorsFile(TWO), Uint8Array.of(0)]), /has 1 bytes after its last tensor/],
  ['bytes without a tensor', file('{}', Uint8Array.of(1)), /has 1 bytes after its last tensor/]
]
for (const [what, bytes, message] of MALFORMED) {
  test(`${what} is refused`, t => {
    t.throws(() => readSafetensors(bytes), { instanceOf: InvalidInputError, message })
  })
}

/** The same file with the offsets of its second tensor changed. */
function withOffsets(offsets: readonly [number, number], shape: readonly number[]): Uint8Array {
  return safetensorsFile(TWO, entries => ({ ...entries, second: { dtype: 'F32', shape, data_offsets: offsets } }))
}

test('tensors that overlap are refused', t => {
  t.throws(() => readSafetensors(withOffsets([20, 32], [3])), { instanceOf: InvalidInputError, message: /second overlaps/ })
  t.throws(() => readSafetensors(withOffsets([0, 24], [6])), { instanceOf: InvalidInputError, message: /overlaps/ })
})

test('bytes that belong to no tensor are refused', t => {
  t.throws(() => readSafetensors(withOffsets([28, 32], [1])), {
    instanceOf: InvalidInputError,
    message: /second leaves 4 bytes before it unused/
  })
})

test('a file that is cut off anywhere is refused', t => {
  const bytes = safetensorsFile(TWO)
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => readSafetensors(bytes.subarray(0, length)), { instanceOf: InvalidInputError }, `${length} bytes`)
  }
})

test('whatever bytes are changed, reading gives tensors within the file or a named error', t => {
  const bytes = adapterFiles('kjv-llama').weights
  const headerBytes = 2200
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(headerBytes), fc.nat(255)), { minLength: 1, maxLength: 4 }), changes => {
      const changed = Uint8Array.from(bytes)
      for (const [at, value] of changes) changed[at] = value
      try {
        for (const { from, to } of readSafetensorsHeader(changed).values()) if (from < 8 || to > changed.length) return false
        return true
      } catch (error) {
        return error instanceof ZkloraError
      }
    }),
    { numRuns: 300 }
  )
  t.pass()
})
