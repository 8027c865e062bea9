import test from 'ava'
import ort from 'onnxruntime-node'
import type { CutModel, RunContext } from '../../src/model/run/cut-model.js'
import type { CombineMode, DeltaProvider, TargetGroup } from '../../src/model/index.js'
import { encodeValueInfo } from '../../src/model/onnx/write.js'
import { INT64, graphAttribute, matrix, openTiny, product } from './tiny.js'
import type { TinyGraph, TinyNode } from './tiny.js'

const VOCABULARY = 6
const WIDTH = 4
const EMBEDDING = matrix('embedding', VOCABULARY, WIDTH)
const UP = matrix('up', WIDTH, 5)
const HEAD = matrix('head', 5, VOCABULARY)
const EMBED: TinyNode = { op: 'Gather', in: ['embedding', 'input_ids'], out: 'x' }

/** tokens → embedding → up_proj → lm_head. */
const PLAIN: TinyGraph = {
  nodes: [
    EMBED,
    { op: 'MatMul', in: ['x', 'up'], out: 'y', name: '/mlp/up_proj/MatMul' },
    { op: 'MatMul', in: ['y', 'head'], out: 'logits', name: '/lm_head/MatMul' }
  ],
  tensors: [EMBEDDING, UP, HEAD]
}
const UP_GROUP: TargetGroup = { dIn: WIDTH, modules: [{ name: 'mlp.up_proj', dOut: 5 }] }

const TOKENS = [2, 5, 0]
const embedded = (tokens: readonly number[]) => tokens.flatMap(token => EMBEDDING.values.slice(token * WIDTH, (token + 1) * WIDTH))

interface Given {
  readonly deltas?: DeltaProvider
  readonly tokens?: readonly number[]
  readonly signal?: AbortSignal
}

async function run(model: CutModel, { deltas, tokens = TOKENS, signal }: Given = {}): Promise<number[]> {
  const ids = new ort.Tensor('int64', BigInt64Array.from(tokens, BigInt), [1, tokens.length])
  const context: RunContext = { positions: { first: 0, count: tokens.length }, deltas, memory: undefined, signal }
  const { data } = (await model.run(new Map([['input_ids', ids]]), context)).get('logits')!
  return [...(data as Float32Array)]
}

const constant =
  (value: number, width: number): DeltaProvider =>
  ({ positions }) =>
    Promise.resolve(new Float32Array(positions.count * width).fill(value))

function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>(settle => (resolve = settle))
  return { promise, resolve }
}

const plus = (values: readonly number[], more: number) => values.map(value => value + more)

function close(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]!) < 1e-5)
}

test('add_delta adds, replace replaces, and both leave the module alone when nobody answers', async t => {
  const y = product(embedded(TOKENS), UP)
  const cases: [CombineMode, DeltaProvider | undefined, number[]][] = [
    ['add_delta', constant(0.25, 5), plus(y, 0.25)],
    ['add_delta', undefined, y],
    ['replace', constant(0.25, 5), y.map(() => 0.25)],
    ['replace', undefined, y]
  ]
  for (const [combineMode, deltas, expected] of cases) {
    const model = await openTiny(PLAIN, { groups: [UP_GROUP], combineMode })
    t.true(close(await run(model, { deltas }), product(expected, HEAD)), `${combineMode} ${deltas !== undefined}`)
    await model.close()
  }
})

test('deltas of several groups on one module are summed, also in replace', async t => {
  const groups = [UP_GROUP, UP_GROUP, UP_GROUP]
  const deltas: DeltaProvider = (request, signal) =>
    request.group === 1 ? Promise.resolve(null) : constant(request.group + 1, 5)(request, signal)
  for (const [combineMode, expected] of [
    ['add_delta', plus(product(embedded(TOKENS), UP), 4)],
    ['replace', TOKENS.flatMap(() => [4, 4, 4, 4, 4])]
  ] as const) {
    const model = await openTiny(PLAIN, { groups, combineMode })
    t.true(close(await run(model, { deltas }), product(expected, HEAD)))
    await model.close()
  }
})

test('a group sees the input of its modules, all groups with one input the same array', async t => {
  const model = await openTiny(PLAIN, { groups: [UP_GROUP, UP_GROUP] })
  const seen: Float32Array[] = []
  await run(model, {
    deltas: ({ x, positions }) => {
      t.deepEqual(positions, { first: 0, count: 3 })
      seen.push(x)
      return Promise.resolve(null)
    }
  })
  t.deepEqual([...seen[0]!], [...Float32Array.from(embedded(TOKENS))])
  t.is(seen[0]!.buffer, seen[1]!.buffer)
  await model.close()
})

test('lm_head can be a target: its combined output is the model’s output', async t => {
  const model = await openTiny(PLAIN, { groups: [{ dIn: 5, modules: [{ name: 'lm_head', dOut: VOCABULARY }] }] })
  const expected = plus(product(product(embedded(TOKENS), UP), HEAD), 1.5)
  t.true(close(await run(model, { deltas: constant(1.5, VOCABULARY) }), expected))
  await model.close()
})

/** up_proj and a second linear module with another input, side by side. */
const PARALLEL: TinyGraph = {
  nodes: [
    EMBED,
    { op: 'Relu', in: ['x'], out: 'positive' },
    { op: 'MatMul', in: ['x', 'up'], out: 'a', name: '/mlp/up_proj/MatMul' },
    { op: 'MatMul', in: ['positive', 'up'], out: 'b', name: '/mlp/other/MatMul' },
    { op: 'Add', in: ['a', 'b'], out: 'y' },
    { op: 'MatMul', in: ['y', 'head'], out: 'logits', name: '/lm_head/MatMul' }
  ],
  tensors: [EMBEDDING, UP, HEAD]
}
const PARALLEL_GROUPS = [UP_GROUP, { dIn: WIDTH, modules: [{ name: 'mlp.other', dOut: 5 }] }]

test('groups of one stage are asked at the same time', async t => {
  const model = await openTiny(PARALLEL, { groups: PARALLEL_GROUPS })
  t.is(model.stages, 1)
  const both = deferred()
  const asked: number[] = []
  const deltas: DeltaProvider = async (request, signal) => {
    asked.push(request.group)
    if (asked.length === 2) both.resolve()
    // Asked one after the other, this would never end.
    await both.promise
    return constant(1, 5)(request, signal)
  }
  const x = embedded(TOKENS)
  const a = product(x, UP)
  const b = product(
    x.map(value => Math.max(0, value)),
    UP
  )
  const expected = product(
    a.map((value, i) => value + b[i]! + 2),
    HEAD
  )
  t.true(close(await run(model, { deltas }), expected))
  t.deepEqual(asked.toSorted(), [0, 1])
  await model.close()
})

test('when one group fails, the run fails with its error and the others are aborted', async t => {
  const model = await openTiny(PARALLEL, { groups: PARALLEL_GROUPS, overlapBytes: 0 })
  const aborted = deferred<unknown>()
  const deltas: DeltaProvider = ({ group }, signal) => {
    if (group === 1) return Promise.reject(new Error('the contributor is gone'))
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        aborted.resolve(signal.reason)
        reject(signal.reason as Error)
      })
    })
  }
  await t.throwsAsync(run(model, { deltas }), { message: 'the contributor is gone' })
  t.is(((await aborted.promise) as Error).message, 'the contributor is gone')
  await model.close()
})

test('a run ends with the reason of its signal, before and while it waits', async t => {
  const model = await openTiny(PLAIN, { groups: [UP_GROUP] })
  await t.throwsAsync(run(model, { signal: AbortSignal.abort(new Error('never mind')) }), { message: 'never mind' })
  const stop = new AbortController()
  const deltas: DeltaProvider = (_, signal) => {
    stop.abort(new Error('stop'))
    return Promise.reject(signal.reason as Error)
  }
  await t.throwsAsync(run(model, { deltas, signal: stop.signal }), { message: 'stop' })
  await model.close()
})

test('an answer of another length is an error that names group and lengths', async t => {
  const model = await openTiny(PLAIN, { groups: [UP_GROUP] })
  await t.throwsAsync(run(model, { deltas: () => Promise.resolve(new Float32Array(14)) }), {
    instanceOf: RangeError,
    message: 'the deltas of group 0 have 14 values; 3 rows of 5 were expected'
  })
  await model.close()
})

test('more rows than a message takes are asked for in pieces', async t => {
  const model = await openTiny(PLAIN, { groups: [UP_GROUP] })
  const tokens = Array.from({ length: 300 }, (_, i) => i % VOCABULARY)
  const asked: unknown[] = []
  const deltas: DeltaProvider = ({ positions, x }) => {
    asked.push([positions.first, positions.count, x.length / WIDTH])
    // The delta tells the row.
    return Promise.resolve(Float32Array.from({ length: positions.count * 5 }, (_, i) => positions.first + Math.floor(i / 5)))
  }
  const y = product(embedded(tokens), UP).map((value, i) => value + Math.floor(i / 5))
  const logits = await run(model, { deltas, tokens })
  const expected = product(y, HEAD)
  t.true(logits.every((value, i) => Math.abs(value - expected[i]!) < 1e-3))
  t.deepEqual(asked, [
    [0, 256, 256],
    [256, 44, 44]
  ])
  await model.close()
})

test('bodies of If read the combined output of a module that they capture', async t => {
  const branch = (op: string, out: string): TinyGraph => ({ nodes: [{ op, in: ['y'], out }], inputs: [], outputs: [out] })
  const graph: TinyGraph = {
    ...PLAIN,
    nodes: [
      ...PLAIN.nodes.slice(0, 2),
      { op: 'ReduceMax', in: ['input_ids'], out: 'largest', integers: { keepdims: 0 } },
      { op: 'Cast', in: ['largest'], out: 'condition', integers: { to: 9 } },
      {
        ...{ op: 'If', in: ['condition'], out: 'z' },
        extra: new Uint8Array([
          ...graphAttribute('then_branch', branch('Neg', 'n')),
          ...graphAttribute('else_branch', branch('Identity', 'i'))
        ])
      },
      { op: 'MatMul', in: ['z', 'head'], out: 'logits', name: '/lm_head/MatMul' }
    ]
  }
  for (const overlapBytes of [0, Infinity]) {
    const model = await openTiny(graph, { groups: [UP_GROUP], overlapBytes })
    t.is(model.parts, overlapBytes === 0 ? 3 : 2)
    const y = plus(product(embedded(TOKENS), UP), 0.5)
    const negative = y.map(value => -value)
    t.true(close(await run(model, { deltas: constant(0.5, 5) }), product(negative, HEAD)))
    await model.close()
  }
})

test('modules reached through Reshape, Identity and Cast share one input', async t => {
  const graph: TinyGraph = {
    nodes: [
      EMBED,
      { op: 'Identity', in: ['x'], out: 'same' },
      { op: 'Reshape', in: ['same', 'flat'], out: 'rows' },
      { op: 'Gemm', in: ['rows', 'up'], out: 'b', name: '/self_attn/k_proj/Gemm' },
      { op: 'MatMul', in: ['x', 'up'], out: 'a', name: '/self_attn/q_proj/MatMul' },
      { op: 'Add', in: ['a', 'b'], out: 'y' },
      { op: 'MatMul', in: ['y', 'head'], out: 'logits', name: '/lm_head/MatMul' }
    ],
    tensors: [EMBEDDING, UP, HEAD, { name: 'flat', dims: [2], values: [-1, WIDTH], type: INT64 }]
  }
  const group = { dIn: WIDTH, modules: ['q_proj', 'k_proj'].map(name => ({ name: `self_attn.${name}`, dOut: 5 })) }
  const model = await openTiny(graph, { groups: [group] })
  t.is(model.stages, 1)
  const y = product(embedded(TOKENS), UP).map(value => 2 * value + 2)
  t.true(close(await run(model, { deltas: constant(1, 10) }), product(y, HEAD)))
  await model.close()
})

test('a group whose modules have different inputs is refused with their names', async t => {
  const [first, second] = PARALLEL_GROUPS
  const group = { dIn: WIDTH, modules: [...first!.modules, ...second!.modules] }
  await t.throwsAsync(openTiny(PARALLEL, { groups: [group] }), {
    name: 'InvalidInputError',
    message: /group 0 do not share one input.*mlp\.up_proj takes x, mlp\.other takes positive/
  })
})

test('columns of a packed node go to their modules', async t => {
  const qkv = matrix('qkv', WIDTH, 8)
  const head = matrix('head', 8, VOCABULARY)
  const graph: TinyGraph = {
    nodes: [
      EMBED,
      { op: 'MatMul', in: ['x', 'qkv'], out: 'y', name: '/model/layers.0/attn/qkv_proj/MatMul' },
      { op: 'MatMul', in: ['y', 'head'], out: 'logits', name: '/lm_head/MatMul' }
    ],
    tensors: [EMBEDDING, qkv, head]
  }
  // v before q: the group's order is the adapter's.
  const modules = [
    { name: 'model.layers.0.self_attn.v_proj', dOut: 2 },
    { name: 'model.layers.0.self_attn.q_proj', dOut: 4 }
  ]
  const options = { groups: [{ dIn: WIDTH, modules }], heads: { q: 4, kv: 2 } }
  const deltas: DeltaProvider = ({ positions }) =>
    Promise.resolve(Float32Array.from({ length: positions.count * 6 }, (_, i) => [10, 20, 1, 2, 3, 4][i % 6]!))
  const y = product(embedded(TOKENS), qkv)
  for (const combineMode of ['add_delta', 'replace'] as const) {
    const model = await openTiny(graph, { ...options, combineMode })
    const expected = y.map((value, i) => {
      const delta = [1, 2, 3, 4, undefined, undefined, 10, 20][i % 8]
      return combineMode === 'replace' ? (delta ?? value) : value + (delta ?? 0)
    })
    const logits = await run(model, { deltas })
    t.true(logits.every((value, i) => Math.abs(value - product(expected, head)[i]!) < 1e-4))
    await model.close()
  }
})

test('a module that sees only some of the tokens is refused by name', async t => {
  const last: TinyNode[] = [
    { op: 'Slice', in: ['x', 'from', 'to', 'axis'], out: 'tail' },
    { op: 'MatMul', in: ['tail', 'up'], out: 'y', name: '/mlp/up_proj/MatMul' }
  ]
  const numbers = (name: string, value: number) => ({ name, dims: [1], values: [value], type: INT64 })
  const graph: TinyGraph = {
    nodes: [EMBED, ...last, PLAIN.nodes[2]!],
    tensors: [...PLAIN.tensors!, numbers('from', -1), numbers('to', 1000), numbers('axis', 1)]
  }
  const model = await openTiny(graph, { groups: [UP_GROUP] })
  await t.throwsAsync(run(model), { name: 'UnsupportedError', message: /mlp\.up_proj takes 1 rows for 3 tokens/ })
  await model.close()
})

test('activations that are no floats are refused', async t => {
  const INT32 = 6
  const table = { ...EMBEDDING, name: 'table', type: INT32, values: EMBEDDING.values.map((_, i) => i) }
  const weight = { ...UP, name: 'weight', type: INT32, values: UP.values.map((_, i) => i % 3) }
  const graph: TinyGraph = {
    nodes: [
      { op: 'Gather', in: ['table', 'input_ids'], out: 'x' },
      { op: 'MatMul', in: ['x', 'weight'], out: 'logits', name: '/mlp/up_proj/MatMul' }
    ],
    tensors: [table, weight]
  }
  const model = await openTiny(graph, { groups: [UP_GROUP] })
  await t.throwsAsync(run(model), { name: 'UnsupportedError', message: /x is int32; float16, float32 and float64/ })
  await model.close()
})

test('float64 models work: x is narrowed, deltas are widened', async t => {
  const graph: TinyGraph = {
    nodes: [
      EMBED,
      { op: 'Cast', in: ['x'], out: 'wide', integers: { to: 11 } },
      { op: 'Cast', in: ['up'], out: 'wideUp', integers: { to: 11 } },
      { op: 'MatMul', in: ['wide', 'wideUp'], out: 'y', name: '/mlp/up_proj/MatMul' },
      { op: 'Cast', in: ['y'], out: 'narrow', integers: { to: 1 } },
      { op: 'MatMul', in: ['narrow', 'head'], out: 'logits', name: '/lm_head/MatMul' }
    ],
    tensors: [EMBEDDING, UP, HEAD]
  }
  const model = await openTiny(graph, { groups: [UP_GROUP] })
  t.true(close(await run(model, { deltas: constant(0.5, 5) }), product(plus(product(embedded(TOKENS), UP), 0.5), HEAD)))
  await model.close()
})

test('a graph that ONNX Runtime refuses is an error with its reason', async t => {
  const graph: TinyGraph = { ...PLAIN, nodes: [EMBED, { op: 'NoSuchOperator', in: ['x'], out: 'logits' }] }
  await t.throwsAsync(openTiny(graph), { name: 'InvalidInputError', message: /ONNX Runtime cannot open .*NoSuchOperator/s })
})

test('what goes from part to part must be a tensor', async t => {
  const graph: TinyGraph = {
    nodes: [
      EMBED,
      { op: 'SplitToSequence', in: ['x'], out: 'sequence', integers: { axis: 1 } },
      { op: 'MatMul', in: ['x', 'up'], out: 'y', name: '/mlp/up_proj/MatMul' },
      { op: 'ReduceMax', in: ['y'], out: 'largest', integers: { keepdims: 0 } },
      { op: 'Cast', in: ['largest'], out: 'place', integers: { to: 7 } },
      { op: 'SequenceAt', in: ['sequence', 'place'], out: 'logits' }
    ],
    tensors: [EMBEDDING, UP],
    inputs: [encodeValueInfo('input_ids', INT64, [1, undefined])]
  }
  const model = await openTiny(graph, { groups: [UP_GROUP], overlapBytes: Infinity })
  await model.close()
  await t.throwsAsync(openTiny(graph, { groups: [UP_GROUP], overlapBytes: 0 }), {
    message: /sequence, which goes from one part to the next, is no tensor/
  })
})
