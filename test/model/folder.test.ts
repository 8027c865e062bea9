import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readModelFolder } from '../../src/hub/index.js'
import type { ModelFolder } from '../../src/hub/index.js'
import { BaseModel, describeBaseModel, readBaseModelDescription } from '../../src/model/index.js'
import { ModelInputs } from '../../src/model/inputs.js'
import { readSettings } from '../../src/model/settings.js'
import { encodeValueInfo } from '../../src/model/onnx/write.js'
import { modelFolder } from './setup.js'
import { FLOAT, INPUT_IDS, INT64, matrix, readTiny, temporaryFolder, tinyModel } from './tiny.js'
import type { TinyGraph } from './tiny.js'

const LLAMA = readModelFolder(modelFolder('novels-llama'))

test('the description has what the base model identifier is made from', t => {
  const { tokens, merges, ...rest } = readBaseModelDescription(modelFolder('novels-llama'))
  t.deepEqual(rest, {
    name: 'novels-llama',
    modelType: 'llama',
    dimensions: [
      ['hidden_size', 128],
      ['num_hidden_layers', 3],
      ['num_attention_heads', 4],
      ['num_key_value_heads', 2],
      ['head_dim', 32],
      ['intermediate_size', 320],
      ['vocab_size', 2048],
      ['max_position_embeddings', 512]
    ]
  })
  t.is(tokens.length, 2048)
  t.deepEqual(tokens.slice(0, 3), ['<|endoftext|>', '!', '"'])
  t.regex(merges[0]!, /^\S+ \S+$/)
  // n_inner is null in GPT-2's config: it counts as absent.
  t.deepEqual(
    readBaseModelDescription(modelFolder('novels-gpt2')).dimensions.map(([key]) => key),
    ['n_embd', 'n_layer', 'n_head', 'vocab_size', 'n_positions']
  )
})

test('the name is the caller’s, or _name_or_path, or the folder’s', t => {
  const named = (path: unknown) => describeBaseModel({ ...LLAMA, config: { ...LLAMA.config, _name_or_path: path } }).name
  t.is(describeBaseModel(LLAMA, 'mine').name, 'mine')
  t.is(named('owner/model'), 'owner/model')
  t.is(named('/home/me/checkpoints/model'), 'model')
  t.is(named('..\\checkpoints\\model'), 'model')
  t.is(named(''), 'novels-llama')
  t.is(named('.'), '.')
  t.is(named(5), 'novels-llama')
})

test('vocabularies of all kinds are read: added tokens win, unused identifiers are empty', t => {
  const tokensOf = (tokenizer: ModelFolder['tokenizer']) => {
    const { tokens, merges } = describeBaseModel({ ...LLAMA, tokenizer })
    return { tokens, merges }
  }
  const added = [{ id: 3, content: '<eos>' }]
  t.deepEqual(tokensOf({ model: { vocab: { a: 0, b: 1 }, merges: ['a b', ['ab', 'c']] }, added_tokens: added }), {
    tokens: ['a', 'b', '', '<eos>'],
    merges: ['a b', 'ab c']
  })
  const unigram = [
    ['<unk>', 0],
    ['▁the', -3.5]
  ]
  t.deepEqual(tokensOf({ model: { type: 'Unigram', vocab: unigram } }), { tokens: ['<unk>', '▁the'], merges: [] })
  t.deepEqual(tokensOf({ model: { vocab: { a: 0 } }, added_tokens: [{ id: 0, content: 'b' }] }).tokens, ['b'])
})

test('a dimension that is no whole number, or two tokens of one id, are refused', t => {
  for (const hidden_size of [-1, 0.5, '128', 2 ** 53]) {
    t.throws(() => describeBaseModel({ ...LLAMA, config: { ...LLAMA.config, hidden_size } }), {
      name: 'InvalidInputError',
      message: /hidden_size in config.json .* not a whole number/
    })
  }
  t.throws(() => describeBaseModel({ ...LLAMA, tokenizer: { model: { vocab: { a: 1, b: 1 } } } }), {
    name: 'InvalidInputError',
    message: /two tokens with id 1/
  })
})

test('tokenizers and configs that do not say what is needed are refused', t => {
  for (const tokenizer of [
    {},
    { model: 5 },
    { model: { vocab: { a: -1 } } },
    { model: { vocab: { a: 2 ** 40 } } },
    { model: { vocab: [[5]] } },
    { model: { vocab: {} }, added_tokens: ['x'] },
    { model: { vocab: {}, merges: [5] } }
  ]) {
    t.throws(() => describeBaseModel({ ...LLAMA, tokenizer }), { name: 'InvalidInputError', message: /has no vocabulary that can be read/ })
  }
  t.throws(() => describeBaseModel({ ...LLAMA, config: {} }), { message: /has no model_type/ })
})

test('settings come from either family’s names', t => {
  t.like(readSettings({ config: { n_positions: 256, n_head: 4, n_embd: 128, eos_token_id: [1, 2] }, generationConfig: {} }), {
    contextLength: 256,
    kvHeads: 4,
    headDim: 32,
    heads: { q: 128, kv: 128 },
    eos: new Set([1, 2])
  })
  const { heads, eos, contextLength } = readSettings({ config: { eos_token_id: 1 }, generationConfig: { eos_token_id: 7 } })
  t.deepEqual([heads, eos, contextLength], [undefined, new Set([7]), undefined])
})

const PLAIN: TinyGraph = {
  nodes: [{ op: 'Gather', in: ['table', 'input_ids'], out: 'logits' }],
  tensors: [matrix('table', 2048, 5)]
}
const SETTINGS = readSettings({ config: { num_attention_heads: 2, hidden_size: 8 }, generationConfig: {} })
const CACHE = 'past_key_values.0.key'

test('models with other inputs or outputs are refused by name', t => {
  const cache = (shape: (number | undefined)[] | undefined, type = FLOAT) => ({
    ...PLAIN,
    inputs: [INPUT_IDS, encodeValueInfo(CACHE, type, shape)],
    outputs: ['logits', 'present.0.key']
  })
  for (const [graph, message] of [
    [{ ...PLAIN, outputs: ['last_hidden_state'] }, /has no output "logits" \(it has last_hidden_state\)/],
    [{ ...PLAIN, inputs: [encodeValueInfo('attention_mask', INT64, [1, undefined])] }, /has no input "input_ids"/],
    [{ ...PLAIN, inputs: [INPUT_IDS, encodeValueInfo('use_cache_branch', 9, [1])] }, /takes use_cache_branch, which is not known/],
    [{ ...PLAIN, inputs: [encodeValueInfo('input_ids', INT64, [1, 128])] }, /takes exactly 128 tokens at a time/],
    [
      { ...PLAIN, inputs: [INPUT_IDS, encodeValueInfo(CACHE, FLOAT, [1, 2, undefined, 4])] },
      /takes past_key_values\.0\.key but does not give present\.0\.key/
    ],
    [cache([1, undefined, 4]), /KV cache of another kind/],
    [cache(undefined), /KV cache of another kind/],
    [cache([1, 2, undefined, 4], INT64), /KV cache of another kind/]
  ] as const) {
    t.throws(() => new ModelInputs(readTiny(graph), SETTINGS), { name: 'UnsupportedError', message })
  }
  const open = readTiny(cache([undefined, undefined, undefined, undefined]))
  t.deepEqual(new ModelInputs(open, SETTINGS).cache[0]!.empty.dims, [1, 2, 0, 4])
  t.throws(() => new ModelInputs(open, readSettings({ config: {}, generationConfig: {} })), { message: /KV cache of another kind/ })
})

test('tokens are fed as 32-bit integers where the model takes such', t => {
  const inputs = new ModelInputs(readTiny({ ...PLAIN, inputs: [encodeValueInfo('input_ids', 6, [1, undefined])] }), SETTINGS)
  t.is(inputs.feeds([1, 2], new Map(), 0).get('input_ids')!.type, 'int32')
})

/** A folder with the demo's tokenizer and a model of one's own. */
function folderWith(graph: TinyGraph): string {
  const folder = temporaryFolder()
  for (const name of ['config.json', 'tokenizer.json']) cpSync(join(modelFolder('novels-llama'), name), join(folder, name))
  mkdirSync(join(folder, 'onnx'))
  writeFileSync(join(folder, 'onnx', 'model.onnx'), tinyModel(graph))
  return folder
}

test('a model that gives logits of the last position only writes, but has no loss', async t => {
  const number = (name: string, value: number) => ({ name, dims: [1], values: [value], type: INT64 })
  const graph: TinyGraph = {
    nodes: [
      { op: 'Gather', in: ['table', 'input_ids'], out: 'all' },
      { op: 'Slice', in: ['all', 'from', 'to', 'axis'], out: 'logits' }
    ],
    tensors: [...PLAIN.tensors!, number('from', -1), number('to', 1000), number('axis', 1)]
  }
  const model = await BaseModel.open(folderWith(graph))
  // The most likely of five after token 3.
  const row = PLAIN.tensors![0]!.values.slice(15, 20)
  const { tokens } = await model.generate([1, 2, 3], { maxNewTokens: 1 })
  t.deepEqual(tokens, [row.indexOf(Math.max(...row))])
  await t.throwsAsync(model.loss([1, 2, 3]), { name: 'UnsupportedError', message: /logits of 1 of 2 positions/ })
  t.is(model.folder.startsWith('/'), true)
  await model.close()
})

test('modules that are not in the model are an error at opening', async t => {
  const groups = [{ dIn: 128, modules: [{ name: 'transformer.h.0.attn.c_attn', dOut: 384 }] }]
  await t.throwsAsync(BaseModel.open(modelFolder('novels-llama'), { groups }), {
    message: /c_attn \(128 to 384\) is not in the model\. Nearest are /
  })
})
