import test from 'ava'
import { ModuleFinder } from '../../src/model/cut/find.js'
import type { HeadWidths } from '../../src/model/cut/find.js'
import { describeLinear, linearNodes } from '../../src/model/cut/linear.js'
import type { Linear } from '../../src/model/cut/linear.js'
import { readTiny, matrix, metadata } from './tiny.js'
import type { TinyNode } from './tiny.js'

const MODULE = { name: 'model.layers.0.self_attn.q_proj', dIn: 4, dOut: 6 }

/** Linear nodes of a graph that takes x, with weights 4 × 6 unless a node names another. */
function linears(...nodes: Partial<TinyNode>[]): Linear[] {
  const filled = nodes.map((node, i) => ({ op: 'MatMul', in: ['x', 'onnx::MatMul_1'], out: `out${i}`, ...node }))
  const tensors = [
    matrix('onnx::MatMul_1', 4, 6),
    matrix('onnx::MatMul_2', 6, 4),
    ...nodes.flatMap(({ in: inputs }) => (inputs ?? []).filter(name => name.endsWith('weight')).map(name => matrix(name, 4, 6)))
  ]
  return linearNodes(readTiny({ nodes: [{ op: 'Gather', in: ['onnx::MatMul_2', 'input_ids'], out: 'x' }, ...filled], tensors }))
}

const find = (found: Linear[], module = MODULE, heads?: HeadWidths) => new ModuleFinder(found, heads).find(module)

const SCOPES = "['', 'model.model', 'model.model.layers.0.self_attn', 'model.model.layers.0.self_attn.q_proj', 'linear']"

for (const [rule, node] of [
  ['its node’s name', { name: '/model/layers.0/self_attn/q_proj/MatMul' }],
  ['the genai builder’s name', { name: '/model/layers.0/attn/q_proj/MatMul' }],
  ['its output’s name', { name: 'anonymous', out: '/model/layers.0/attn/q_proj/MatMul/output_0' }],
  ['the name scope behind a wrapper’s prefix', { name: 'node_linear_3', extra: metadata('pkg.torch.onnx.name_scopes', SCOPES) }],
  ['its weight’s name', { name: 'node_3', in: ['x', 'model.layers.0.self_attn.q_proj.weight'] }],
  ['its weight’s name behind a prefix', { name: 'node_3', in: ['x', 'model.model.layers.0.attn.q_proj.MatMul.weight'] }],
  ['the name of a Gemm', { op: 'Gemm', name: '/model/layers.0/self_attn/q_proj/Gemm' }]
] as const satisfies [string, Partial<TinyNode>][]) {
  test(`a module is found by ${rule}`, t => {
    const found = find(linears({ name: '/model/layers.0/self_attn/k_proj/MatMul' }, node))
    t.is(found.linear.y, (node as Partial<TinyNode>).out ?? 'out1')
    t.like(found, { offset: 0, dOut: 6 })
  })
}

test('weights behind a cast, a transposition or an Identity belong to the node', t => {
  const nodes: Partial<TinyNode>[] = [
    { op: 'Transpose', in: ['onnx::MatMul_2'], out: 'turned' },
    { op: 'Cast', in: ['turned'], out: 'cast', integers: { to: 1 } },
    { in: ['x', 'cast'], name: '/q_proj/MatMul' }
  ]
  const [linear] = linears(...nodes)
  t.like(linear, { dIn: 4, dOut: 6, weight: 'onnx::MatMul_2' })
})

test('a Gemm with transB has its weight out x in; one with transA is no module', t => {
  const [linear, none] = linears(
    { op: 'Gemm', in: ['x', 'onnx::MatMul_2'], integers: { transB: 1 } },
    { op: 'Gemm', integers: { transA: 1 } }
  )
  t.like(linear, { dIn: 4, dOut: 6 })
  t.is(none, undefined)
})

test('quantised weights say their widths in attributes', t => {
  const [linear, broken] = linears({ op: 'MatMulNBits', integers: { K: 64, N: 32 } }, { op: 'MatMulNBits' })
  t.like(linear, { dIn: 64, dOut: 32 })
  t.like(broken, { dIn: 0, dOut: 0 })
})

test('products of activations, and nodes of other kinds, are no modules', t => {
  const nodes: Partial<TinyNode>[] = [
    { op: 'MatMul', in: ['x', 'x'] },
    { op: 'MatMul', in: ['onnx::MatMul_1', 'onnx::MatMul_2'] },
    { op: 'Add', in: ['x', 'onnx::MatMul_1'] },
    { op: 'Relu', in: ['x'], out: 'r' },
    { op: 'MatMul', in: ['x', 'r'] },
    { op: 'MatMul', in: ['x', 'input_ids'] }
  ]
  t.deepEqual(linears(...nodes), [])
})

test('a weight that is no matrix makes no module', t => {
  const graph = {
    nodes: [{ op: 'MatMul', in: ['input_ids', 'vector'], out: 'y' }],
    tensors: [{ name: 'vector', dims: [4], values: [1, 2, 3, 4] }]
  }
  t.deepEqual(linearNodes(readTiny(graph)), [])
})

test('a module that is not there is an error with the nearest, never a guess', t => {
  const found = linears(
    { name: '/model/layers.0/self_attn/k_proj/MatMul' },
    { name: '/model/layers.9/mlp/up_proj/MatMul' },
    { name: 'node_7' }
  )
  const error = t.throws(() => find(found), { name: 'InvalidInputError' })
  t.regex(error.message, /q_proj \(4 to 6\) is not in the model\. Nearest are model\.layers\.0\.self_attn\.k_proj \(4 to 6\), /)
  t.regex(error.message, /node_7/)
  t.throws(() => find([]), { message: /Nearest are none: the graph has no linear nodes/ })
})

test('a module that could be several nodes is an error with their names', t => {
  const found = linears({ name: '/a/model/layers.0/self_attn/q_proj/MatMul' }, { name: '/b/model/layers.0/self_attn/q_proj/MatMul' })
  t.throws(() => find(found), { message: /could be any of 2 nodes by their node name: \/a\/model.*, \/b\/model/ })
})

test('the node with exactly the name wins over one with a prefix', t => {
  const found = linears({ name: '/draft/model/layers.0/self_attn/q_proj/MatMul' }, { name: '/model/layers.0/self_attn/q_proj/MatMul' })
  t.is(find(found).linear.y, 'out1')
})

test('a name that only ends alike is another module', t => {
  t.throws(() => find(linears({ name: '/model/layers.0/self_attn/my_q_proj/MatMul' })), { message: /is not in the model/ })
})

test('other widths than the adapter’s are an error with both', t => {
  const found = linears({ name: '/model/layers.0/self_attn/q_proj/MatMul' })
  t.throws(() => find(found, { ...MODULE, dOut: 8 }), {
    message: /takes 4 to 8 in the adapter, but 4 to 6 in the model.*another base model/
  })
})

test('a packed node is divided as config.json says', t => {
  const found = linears({ name: '/model/layers.0/attn/qkv_proj/MatMul' })
  const heads = { q: 4, kv: 1 }
  for (const [last, offset, dOut] of [
    ['q_proj', 0, 4],
    ['k_proj', 4, 1],
    ['v_proj', 5, 1]
  ] as const) {
    t.like(find(found, { name: `model.layers.0.self_attn.${last}`, dIn: 4, dOut }, heads), { offset, dOut })
  }
  const gated = linears({ name: '/model/layers.0/mlp/gate_up_proj/MatMul' })
  t.like(find(gated, { name: 'model.layers.0.mlp.up_proj', dIn: 4, dOut: 3 }), { offset: 3, dOut: 3 })
})

test('a packed node that config.json does not divide is an error', t => {
  const found = linears({ name: '/model/layers.0/attn/qkv_proj/MatMul' })
  t.throws(() => find(found, MODULE), { message: /packed in .*qkv_proj\/MatMul \(6 wide\).*give no widths/ })
  t.throws(() => find(found, MODULE, { q: 4, kv: 2 }), { message: /give 4 \+ 2 \+ 2/ })
})

test('a node is described by its path, or by its own name', t => {
  const found = linears({ name: '/model/layers.0/mlp/up_proj/MatMul' }, { name: 'node_7' })
  t.deepEqual(found.map(describeLinear), ['model.layers.0.mlp.up_proj', 'node_7'])
})
