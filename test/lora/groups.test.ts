import test from 'ava'
import fc from 'fast-check'
import { InvalidInputError, LimitExceededError } from '../../src/errors.js'
import { compareNatural, groupModules } from '../../src/lora/index.js'
import type { NamedModule } from '../../src/lora/index.js'
import { readAdapter } from './files.js'

function modules(names: readonly string[], changes: Partial<NamedModule> = {}): NamedModule[] {
  return names.map(name => ({ name, dIn: 8, dOut: 8, rank: 2, ...changes }))
}

function grouped(names: readonly string[]): string[][] {
  return groupModules(modules(names)).map(group => group.modules.map(({ name }) => name))
}

test('a Llama layer runs as four groups, in the order of the computation', t => {
  const layer = readAdapter('shakespeare-llama').modules.filter(({ name }) => name.includes('layers.1.'))
  t.deepEqual(
    groupModules(layer.toReversed()).map(({ dIn, modules }) => [dIn, ...modules.map(({ name }) => name.split('.').at(-1))]),
    [
      [128, 'q_proj', 'k_proj', 'v_proj'],
      [128, 'o_proj'],
      [128, 'gate_proj', 'up_proj'],
      [320, 'down_proj']
    ]
  )
})

test('a GPT-2 layer runs as four groups: both c_proj find their place', t => {
  const layer = readAdapter('kjv-gpt2').modules.filter(({ name }) => name.includes('h.2.'))
  t.deepEqual(grouped(layer.map(({ name }) => name)), [
    ['transformer.h.2.attn.c_attn'],
    ['transformer.h.2.attn.c_proj'],
    ['transformer.h.2.mlp.c_fc'],
    ['transformer.h.2.mlp.c_proj']
  ])
})

const LAYERS: readonly (readonly [string, string[][]])[] = [
  [
    'BERT',
    [
      ['bert.encoder.layer.0.attention.self.query', 'bert.encoder.layer.0.attention.self.key', 'bert.encoder.layer.0.attention.self.value'],
      ['bert.encoder.layer.0.attention.output.dense'],
      ['bert.encoder.layer.0.intermediate.dense'],
      ['bert.encoder.layer.0.output.dense']
    ]
  ],
  [
    'GPT-NeoX',
    [
      ['gpt_neox.layers.0.attention.query_key_value'],
      ['gpt_neox.layers.0.attention.dense'],
      ['gpt_neox.layers.0.mlp.dense_h_to_4h'],
      ['gpt_neox.layers.0.mlp.dense_4h_to_h']
    ]
  ],
  [
    'DeepSeek V3',
    [
      ['model.layers.0.self_attn.q_a_proj', 'model.layers.0.self_attn.kv_a_proj_with_mqa'],
      ['model.layers.0.self_attn.kv_b_proj'],
      ['model.layers.0.self_attn.q_b_proj'],
      ['model.layers.0.self_attn.o_proj']
    ]
  ],
  [
    "Mixtral's experts",
    [
      ['model.layers.0.block_sparse_moe.gate'],
      ['model.layers.0.block_sparse_moe.experts.2.w1', 'model.layers.0.block_sparse_moe.experts.2.w3'],
      ['model.layers.0.block_sparse_moe.experts.10.w1', 'model.layers.0.block_sparse_moe.experts.10.w3'],
      ['model.layers.0.block_sparse_moe.experts.2.w2'],
      ['model.layers.0.block_sparse_moe.experts.10.w2']
    ]
  ],
  [
    'T5 with cross-attention, whose queries have another input than keys and values',
    [
      ['decoder.block.0.layer.0.SelfAttention.q', 'decoder.block.0.layer.0.SelfAttention.k'],
      ['decoder.block.0.layer.1.EncDecAttention.k'],
      ['decoder.block.0.layer.1.EncDecAttention.q'],
      ['decoder.block.0.layer.0.SelfAttention.o'],
      ['decoder.block.0.layer.2.DenseReluDense.wi_0', 'decoder.block.0.layer.2.DenseReluDense.wi_1'],
      ['decoder.block.0.layer.2.DenseReluDense.wo']
    ]
  ],
  ['RWKV, whose key and value mix in different inputs', [['rwkv.blocks.0.attention.key'], ['rwkv.blocks.0.attention.value']]],
  [
    'layers in numeric order, the head last',
    [['model.layers.2.mlp.up_proj'], ['model.layers.10.self_attn.q_proj'], ['model.layers.10.mlp.up_proj'], ['embed_out'], ['lm_head']]
  ]
]
for (const [what, expected] of LAYERS) {
  test(`groups and order: ${what}`, t => {
    t.deepEqual(grouped(expected.flat().sort()), expected)
    t.deepEqual(grouped(expected.flat().reverse()), expected)
  })
}

test('siblings of different input widths are not joined', t => {
  const [q, k, v] = modules(['m.0.self_attn.q_proj', 'm.0.self_attn.k_proj', 'm.0.self_attn.v_proj']) as [
    NamedModule,
    NamedModule,
    NamedModule
  ]
  const groups = groupModules([q, { ...k, dIn: 16 }, v])
  t.deepEqual(
    groups.map(group => [group.dIn, group.modules.length]),
    [
      [8, 2],
      [16, 1]
    ]
  )
})

test('siblings in different layers or under different parents are not joined', t => {
  t.is(grouped(['m.0.self_attn.q_proj', 'm.1.self_attn.k_proj', 'm.1.other_attn.v_proj']).length, 3)
})

test('a group that would be wider than a manifest allows is split', t => {
  const groups = groupModules(modules(['m.0.mlp.gate_proj', 'm.0.mlp.up_proj'], { dOut: 53_248 }))
  t.deepEqual(
    groups.map(group => group.modules.length),
    [1, 1]
  )
})

test('the order of the file does not matter', t => {
  const { modules: all } = readAdapter('shakespeare-llama')
  const expected = groupModules(all)
  fc.assert(
    fc.property(fc.shuffledSubarray([...all], { minLength: all.length }), shuffled => {
      t.deepEqual(groupModules(shuffled), expected)
    }),
    { numRuns: 20 }
  )
})

test('natural order is a total order', t => {
  const name = fc.string({ unit: fc.constantFrom('0', '1', '2', '9', 'a', '.', '_') })
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      const [x, y, z] = [a, b, c].sort(compareNatural) as [string, string, string]
      t.true(compareNatural(x, y) <= 0 && compareNatural(y, z) <= 0 && compareNatural(x, z) <= 0)
      t.is(compareNatural(a, b) === 0, a === b)
      t.is(Math.sign(compareNatural(a, b)), -Math.sign(compareNatural(b, a)) + 0)
    })
  )
  t.deepEqual(['x.10', 'x.9', 'x.09', 'x'].sort(compareNatural), ['x', 'x.09', 'x.9', 'x.10'])
})

test('two modules of one name are refused', t => {
  t.throws(() => grouped(['a.b', 'a.b']), { instanceOf: InvalidInputError, message: /two modules called a\.b/ })
})

const BEYOND: readonly (readonly [string, NamedModule[], RegExp])[] = [
  ['a name', modules(['é'.repeat(257)]), /bytes of a module name is 514, at most 512/],
  ['an input width', modules(['a.b'], { dIn: 32_769 }), /input width is 32769, at most 32768 are accepted in module a\.b/],
  ['an output width', modules(['a.b'], { dOut: 65_537 }), /output width is 65537/],
  ['a rank', modules(['a.b'], { rank: 129 }), /rank is 129/],
  ['the number of modules', modules(Array.from({ length: 1025 }, (_, i) => `m.${i}.b`)), /number of modules is 1025/],
  [
    'the sum of ranks',
    modules(
      Array.from({ length: 1024 }, (_, i) => `m.${i}.b`),
      { rank: 65 }
    ),
    /sum of all ranks is 66560/
  ],
  ['the number of groups', modules(Array.from({ length: 513 }, (_, i) => `m.${i}.b`)), /number of groups is 513, at most 512/]
]
for (const [what, given, message] of BEYOND) {
  test(`${what} beyond the limit is refused`, t => {
    t.throws(() => groupModules(given), { instanceOf: LimitExceededError, message })
  })
}
