import { mkdirSync, openSync, ftruncateSync, closeSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { concat, toHex } from '../../src/bytes.js'
import { readModel } from '../../src/model/onnx/graph.js'
import { ATTRIBUTE, ENTRY, GRAPH, MODEL, NODE, TENSOR } from '../../src/model/onnx/schema.js'
import { bytesField, fieldsOf, integersOf, textField, varintField } from '../../src/model/onnx/wire.js'
import { encodePart, encodeValueInfo, renameOutput } from '../../src/model/onnx/write.js'
import { exportFile, modelFolder } from './setup.js'
import { graphAttribute, INPUT_IDS, matrix, readTiny, temporaryFolder, tinyFile, tinyModel, tinyNode, tinyTensor } from './tiny.js'
import type { TinyGraph } from './tiny.js'

const GRAPH_BYTES = 512 * 1024 * 1024

const PLAIN: TinyGraph = {
  nodes: [
    { op: 'Gather', in: ['embedding', 'input_ids'], out: 'x' },
    { op: 'MatMul', in: ['x', 'large'], out: 'logits' }
  ],
  tensors: [matrix('embedding', 6, 4), matrix('large', 4, 100)]
}

function written(bytes: Uint8Array): string {
  const path = join(temporaryFolder(), 'model.onnx')
  writeFileSync(path, bytes)
  return path
}

test('the weights of a model are left in their file, small ones excepted', t => {
  const path = tinyFile(PLAIN)
  const { initializers } = readModel(path)
  const small = initializers.get('embedding')!
  t.is(small.range, undefined)
  t.deepEqual(small.raw, tinyTensor(PLAIN.tensors![0]!))
  const { range, raw } = initializers.get('large')!
  t.is(raw.length + range!.length + 3, tinyTensor(PLAIN.tensors![1]!).length)
  const bytes = readFileSync(path).subarray(range!.offset, range!.offset + range!.length)
  t.deepEqual([...new Float32Array(new Uint8Array(bytes).buffer)], [...Float32Array.from(PLAIN.tensors![1]!.values)])
})

test('weights stored as lists of floats are left in their file, too', t => {
  const values = Float32Array.from({ length: 400 }, (_, i) => i)
  const tensor = concat([
    // Packed dims.
    bytesField(TENSOR.dims, Uint8Array.of(4, 100)),
    varintField(TENSOR.dataType, 1),
    bytesField(TENSOR.floatData, new Uint8Array(values.buffer)),
    textField(TENSOR.name, 'listed')
  ])
  const found = readTiny({ ...PLAIN, graphExtra: bytesField(GRAPH.initializer, tensor) }).initializers.get('listed')!
  t.is(found.range?.length, 1600)
  t.deepEqual(found.dims, [4, 100])
})

for (const [name, path] of [
  ['optimum', `${modelFolder('novels-gpt2')}/onnx/model.onnx`],
  ['dynamo', exportFile('dynamo')],
  ['genai', exportFile('genai')]
] as const) {
  test(`a model of ${name} written with all its nodes has every node byte for byte`, t => {
    const model = readModel(path)
    const part = {
      nodes: model.nodes,
      initializers: [],
      inputs: model.inputs.map(({ raw }) => raw),
      outputs: model.outputs.map(({ name: output }) => output)
    }
    const again = readModel(written(encodePart(model, part, () => '')))
    t.deepEqual(
      again.nodes.map(({ raw }) => toHex(raw)),
      model.nodes.map(({ raw }) => toHex(raw))
    )
    t.deepEqual(again.rest.map(toHex), model.rest.map(toHex))
    t.deepEqual(again.graphRest.map(toHex), model.graphRest.map(toHex))
    // Notes on tensors that the part makes; those on weights go with the weights.
    const made = new Set(model.nodes.flatMap(({ outputs }) => outputs))
    t.deepEqual(
      [...again.valueInfo.values()],
      [...model.valueInfo.values()].filter(info => made.has(info.name))
    )
  })
}

test('fields that are not known are kept byte for byte', t => {
  const unknown = concat([varintField(99, 5), bytesField(98, Uint8Array.of(1, 2, 3))])
  const fixed = Uint8Array.of(((97 << 3) & 0x7f) | 0x80 | 5, (97 << 3) >> 7, 1, 2, 3, 4)
  const model = readTiny({
    ...PLAIN,
    nodes: [PLAIN.nodes[0]!, { ...PLAIN.nodes[1]!, extra: unknown }],
    graphExtra: unknown,
    modelExtra: concat([unknown, fixed])
  })
  t.true(toHex(concat([...model.rest])).endsWith(toHex(concat([unknown, fixed]))))
  t.is(toHex(concat([...model.graphRest])), toHex(concat([textField(2, 'tiny'), unknown])))
  t.true(toHex(renameOutput(model.nodes[1]!, 'logits', 'base')).endsWith(toHex(unknown)))
  t.true(toHex(renameOutput(model.nodes[1]!, 'logits', 'base')).startsWith(toHex(textField(2, 'base'))))
})

test('integers of all sizes survive: 64-bit two’s complement', t => {
  for (const value of [0, 127, 128, 2 ** 31, 2 ** 52, -1, -(2 ** 40)]) {
    const bytes = varintField(3, value)
    const [field] = [...fieldsOf(bytes, 'test')]
    t.deepEqual([...integersOf(bytes, field!, 'test')], [value])
  }
})

test('an initializer that is listed as an input is none', t => {
  const model = readTiny({ ...PLAIN, inputs: [INPUT_IDS, encodeValueInfo('large', 1, [4, 100])] })
  t.deepEqual(
    model.inputs.map(({ name }) => name),
    ['input_ids']
  )
  t.like(model.inputs[0], { elementType: 7, shape: [1, undefined] })
})

test('sub-graphs capture what they neither make nor take as inputs', t => {
  const inner: TinyGraph = {
    nodes: [{ op: 'Add', in: ['x', 'outer'], out: 'sum' }],
    inputs: [encodeValueInfo('x', 1, undefined)],
    outputs: ['sum']
  }
  const body: TinyGraph = {
    nodes: [
      { op: 'Mul', in: ['local', 'W'], out: 'product' },
      { op: 'If', in: ['product'], out: 'done', extra: graphAttribute('then_branch', inner) }
    ],
    tensors: [{ name: 'W', dims: [1], values: [2] }],
    inputs: [encodeValueInfo('local', 1, [1])],
    outputs: ['done', 'passed']
  }
  const model = readTiny({ ...PLAIN, nodes: [...PLAIN.nodes, { op: 'Loop', in: ['', ''], out: 'z', extra: graphAttribute('body', body) }] })
  t.deepEqual(model.nodes[2]!.captured.toSorted(), ['outer', 'passed'])
})

test('graphs in graphs in graphs are refused by their depth, not by the stack', t => {
  const nested = (depth: number): TinyGraph => ({
    nodes: [],
    inputs: [],
    outputs: [],
    graphExtra: bytesField(GRAPH.node, wrapped(depth))
  })
  const wrapped = (depth: number): Uint8Array => {
    let node = tinyNode({ op: 'Add', in: ['outer'], out: 'sum' })
    for (let level = 0; level < depth; level++) {
      const graph = bytesField(GRAPH.node, node)
      node = concat([tinyNode({ op: 'If', in: [], out: 'sum' }), bytesField(NODE.attribute, bytesField(ATTRIBUTE.graph, graph))])
    }
    return node
  }
  t.deepEqual(readTiny(nested(32)).nodes[0]!.captured, ['outer'])
  t.throws(() => readTiny(nested(33)), { name: 'LimitExceededError', message: /depth of graphs in graphs/ })
  t.throws(() => readTiny(nested(5000)), { name: 'LimitExceededError' })
})

test('a model cut off anywhere is damaged, or has fewer parts; never anything else', t => {
  const bytes = tinyModel(PLAIN)
  for (let length = 0; length < bytes.length; length++) {
    const path = written(bytes.subarray(0, length))
    try {
      t.true(readModel(path).nodes.length === 0)
    } catch (error) {
      t.is((error as Error).name, 'InvalidInputError', `cut at ${length}`)
    }
  }
})

test('other damage is named: wire types, names, varints without end', t => {
  for (const bytes of [
    Uint8Array.of(0x0b),
    Uint8Array.of(0x80),
    new Uint8Array(20).fill(0xff),
    bytesField(MODEL.graph, bytesField(GRAPH.node, bytesField(1, Uint8Array.of(0xff))))
  ]) {
    t.throws(() => readModel(written(bytes)), { name: 'InvalidInputError', message: /is damaged: .*Download or export the model again/ })
  }
})

test('a missing model is named', t => {
  t.throws(() => readModel('no/such/model.onnx'), { name: 'InvalidInputError', message: /no\/such\/model\.onnx cannot be read/ })
})

test('sparse weights are refused', t => {
  t.throws(() => readTiny({ ...PLAIN, graphExtra: bytesField(GRAPH.sparseInitializer, new Uint8Array(0)) }), {
    name: 'UnsupportedError',
    message: /sparse weights/
  })
})

test('a graph without measure is refused before it is read', t => {
  const path = join(temporaryFolder(), 'model.onnx')
  const length = GRAPH_BYTES + 1
  const header = [(2 << 3) | 2, ...Array.from({ length: 4 }, (_, i) => ((length >> (7 * i)) & 0x7f) | 0x80), length >> 28]
  writeFileSync(path, Uint8Array.from(header))
  // Sparse on disk.
  const file = openSync(path, 'r+')
  ftruncateSync(file, header.length + length)
  closeSync(file)
  t.throws(() => readModel(path), { name: 'LimitExceededError' })
})

function externalTensor(entries: Record<string, string>): Uint8Array {
  return concat([
    ...[4, 100].map(dim => varintField(TENSOR.dims, dim)),
    varintField(TENSOR.dataType, 1),
    textField(TENSOR.name, 'outside'),
    ...Object.entries(entries).map(([key, value]) =>
      bytesField(TENSOR.externalData, concat([textField(ENTRY.key, key), textField(ENTRY.value, value)]))
    ),
    varintField(TENSOR.dataLocation, 1)
  ])
}

function readExternal(entries: Record<string, string>): ReturnType<typeof readModel> {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data', 'weights'), new Uint8Array(2000))
  symlinkSync(join(folder, 'data', 'weights'), join(folder, 'linked'))
  writeFileSync(join(folder, 'model.onnx'), tinyModel({ ...PLAIN, graphExtra: bytesField(GRAPH.initializer, externalTensor(entries)) }))
  return readModel(join(folder, 'model.onnx'))
}

test('weights in another file are found, also through a link as in the hub cache', t => {
  for (const location of ['data/weights', 'linked']) {
    const { range } = readExternal({ location, offset: '100', length: '1600' }).initializers.get('outside')!
    t.like(range, { offset: 100, length: 1600 })
    t.true(range!.file.endsWith('data/weights'))
  }
  t.like(readExternal({ location: 'linked' }).initializers.get('outside')!.range, { offset: 0, length: 2000 })
})

test('weights outside of the model’s folder, missing or beyond the end are refused', t => {
  for (const [entries, message] of [
    [{ location: '/etc/passwd' }, /only files in the model's folder are read/],
    [{ location: '../weights' }, /only files in the model's folder are read/],
    [{}, /lies at ""; only files/],
    [{ location: 'gone' }, /the weight outside lies in .*gone, which is missing/],
    [{ location: 'linked', offset: '500', length: '1600' }, /ends at byte 2100 of .*, which has 2000.*download it again/],
    [{ location: 'linked', offset: '-1' }, /has the offset "-1"/]
  ] as const) {
    t.throws(() => readExternal(entries), { name: 'InvalidInputError', message })
  }
})
