import test from 'ava'
import { InvalidInputError, LimitExceededError, UnsupportedError } from '../../src/errors.js'
import { readPeftAdapter } from '../../src/lora/index.js'
import { adapterFiles, configText, moduleTensors, QV, readAdapter, safetensorsFile } from './files.js'
import type { TensorSource } from './files.js'

function read(changes: Record<string, unknown> = {}, tensors: readonly TensorSource[] = QV) {
  return readPeftAdapter({ config: configText(changes), weights: safetensorsFile(tensors) })
}

function names(changes: Record<string, unknown>, tensors: readonly TensorSource[] = QV): string[] {
  return read(changes, tensors).modules.map(({ name }) => name)
}

// What the reference adapters are, from the data's own description.

const DESCRIBED = [
  ['shakespeare-gpt2', 'novels-gpt2', 4, 8, 2],
  ['kjv-gpt2', 'novels-gpt2', 16, 4, 4],
  ['shakespeare-llama', 'novels-llama', 21, 8, 2],
  ['kjv-llama', 'novels-llama', 6, 8, 8 / Math.sqrt(8)]
] as const
for (const [name, base, modules, rank, scaling] of DESCRIBED) {
  test(`${name} is read with its base, modules, rank and scaling`, t => {
    const adapter = readAdapter(name)
    t.is(adapter.baseModelName, base)
    t.is(adapter.modules.length, modules)
    for (const module of adapter.modules) {
      t.is(module.rank, rank)
      t.is(module.scaling, scaling)
      t.is(module.a.length, rank * module.dIn)
      t.is(module.b.length, rank * module.dOut)
      t.true(module.b.some(weight => weight !== 0))
    }
  })
}

test('matrices keep the layout of the file: lora_A is rank × dIn, lora_B dOut × rank', t => {
  const [q] = read().modules
  t.deepEqual(q, {
    name: 'model.layers.0.self_attn.q_proj',
    dIn: 3,
    dOut: 4,
    rank: 2,
    scaling: 2,
    a: Float32Array.from(QV[0]!.data),
    b: Float32Array.from(QV[1]!.data)
  })
})

test('tensor names with the adapter name "default" are read alike', t => {
  const renamed = QV.map(tensor => ({ ...tensor, name: tensor.name.replace('.weight', '.default.weight') }))
  t.deepEqual(read({}, renamed), read())
})

test('the modules come in manifest order, whatever order the file has', t => {
  t.deepEqual(names({}, [...QV].reverse()), ['model.layers.0.self_attn.q_proj', 'model.layers.0.self_attn.v_proj'])
})

// Ranks and scalings

test('use_rslora divides alpha by the square root of the rank', t => {
  t.is(read({ use_rslora: true }).modules[0]!.scaling, 4 / Math.sqrt(2))
})

const MIXED = [
  ...moduleTensors({ name: 'model.layers.0.self_attn.q_proj', rank: 2, dIn: 3, dOut: 4 }),
  ...moduleTensors({ name: 'model.layers.1.self_attn.q_proj', rank: 5, dIn: 3, dOut: 4 }),
  ...moduleTensors({ name: 'model.layers.1.self_attn.v_proj', rank: 1, dIn: 3, dOut: 4 })
]

test('rank_pattern sets ranks by ending and by regular expression, and the scaling follows', t => {
  const { modules } = read({ rank_pattern: { 'layers.1.self_attn.q_proj': 5, '^model\\.layers\\.\\d+\\.self_attn\\.v_proj': 1 } }, MIXED)
  t.deepEqual(
    modules.map(({ name, rank, scaling }) => [name, rank, scaling]),
    [
      ['model.layers.0.self_attn.q_proj', 2, 2],
      ['model.layers.1.self_attn.q_proj', 5, 4 / 5],
      ['model.layers.1.self_attn.v_proj', 1, 4]
    ]
  )
})

test('the first pattern that matches decides', t => {
  const scalings = (alpha: Record<string, number>) => read({ alpha_pattern: alpha }).modules.map(({ scaling }) => scaling)
  t.deepEqual(scalings({ q_proj: 10, '.*_proj': 20 }), [5, 10])
  t.deepEqual(scalings({ '.*_proj': 20, q_proj: 10 }), [10, 10])
})

test('a pattern must match from the beginning or from a dot, to the end', t => {
  const scaling = (pattern: string) => read({ alpha_pattern: { [pattern]: 10 } }).modules[0]!.scaling
  t.is(scaling('self_attn.q_proj'), 5)
  t.is(scaling('model.layers.0.self_attn.q_proj'), 5)
  t.is(scaling('attn.q_proj'), 2)
  t.is(scaling('q_pro'), 2)
  t.is(scaling('^layers.0.self_attn.q_proj'), 2)
})

test('shapes that do not fit the rank are refused with the module and the shapes', t => {
  t.throws(() => read({ r: 4 }), {
    instanceOf: InvalidInputError,
    message: 'module model.layers.0.self_attn.q_proj has lora_A of shape [2, 3] and lora_B of [4, 2], which do not fit rank 4'
  })
  t.throws(() => read({}, [QV[0]!, { ...QV[1]!, shape: [2, 4] }]), { instanceOf: InvalidInputError, message: /do not fit rank 2/ })
})

// Targets

const TWO_LAYERS = [0, 1].flatMap(layer =>
  ['q_proj', 'v_proj'].flatMap(last => moduleTensors({ name: `model.layers.${layer}.self_attn.${last}`, rank: 2, dIn: 3, dOut: 4 }))
)

const ACCEPTED: readonly (readonly [string, Record<string, unknown>])[] = [
  ['a list of endings', { target_modules: ['v_proj', 'self_attn.q_proj'] }],
  ['a list with modules that are not there', { target_modules: ['q_proj', 'v_proj', 'gate_up_proj'] }],
  ['a regular expression for whole names', { target_modules: 'model\\.layers\\.\\d+\\.self_attn\\.(q|v)_proj' }],
  ["a regular expression in Python's syntax", { target_modules: '\\Amodel.(?P<list>layers)\\.[\\d]{1,}\\.self\\_attn\\.[\\w\\-]+\\Z' }],
  ['"all-linear"', { target_modules: 'all-linear' }],
  ['"ALL-LINEAR"', { target_modules: 'ALL-LINEAR' }],
  ['layers_to_transform as a list', { layers_to_transform: [0, 1] }],
  ['layers_to_transform with a pattern', { layers_to_transform: [0, 1], layers_pattern: ['h', 'layers'] }],
  ['an empty layers_pattern', { layers_to_transform: [0, 1], layers_pattern: '' }],
  [
    'a full name beside layers_to_transform',
    {
      layers_to_transform: 0,
      target_modules: ['q_proj', 'v_proj', ...[1].flatMap(layer => ['q', 'v'].map(part => `model.layers.${layer}.self_attn.${part}_proj`))]
    }
  ],
  ['exclude_modules of others', { exclude_modules: ['lm_head'] }]
]
for (const [what, changes] of ACCEPTED) {
  test(`target_modules: ${what} takes all four modules`, t => {
    t.is(names(changes, TWO_LAYERS).length, 4)
  })
}

const LEAVES_OUT: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['a list', { target_modules: ['q_proj'] }, 'v_proj'],
  ['an ending without a dot before it', { target_modules: ['q_proj', 'proj'] }, 'v_proj'],
  ['a regular expression that matches a part only', { target_modules: '.*\\.q_proj' }, 'v_proj'],
  ['layers_to_transform', { layers_to_transform: 0 }, 'layers.1'],
  ['layers_to_transform with a pattern that fits nothing', { layers_to_transform: [0, 1], layers_pattern: 'h' }, 'layers.0'],
  ['exclude_modules', { exclude_modules: ['v_proj'] }, 'v_proj'],
  ['exclude_modules as a regular expression', { exclude_modules: '.*\\.1\\..*' }, 'layers.1'],
  ['exclude_modules beside "all-linear"', { target_modules: 'all-linear', exclude_modules: ['v_proj'] }, 'v_proj']
]
for (const [what, changes, missing] of LEAVES_OUT) {
  test(`a tensor of a module that ${what} leaves out is an error with its name`, t => {
    const error = t.throws(() => names(changes, TWO_LAYERS), { instanceOf: InvalidInputError })
    t.regex(error.message, /modules that adapter_config.json does not target: /)
    t.true(error.message.includes(missing))
  })
}

for (const pattern of ['(?!x).*q_proj', '(.)\\1.*q_proj', '.*(', 'q_proj)|(v_proj', '.*\\q_proj']) {
  test(`the pattern ${pattern} is refused, not read in another sense`, t => {
    t.throws(() => read({ target_modules: pattern }), { instanceOf: UnsupportedError, message: /target_modules has the pattern/ })
  })
}

test('a pattern that keeps a backtracking engine busy for hours is read in linear time', t => {
  t.throws(() => read({ target_modules: '(([a-z0-9._]+)+)+!' }), { instanceOf: InvalidInputError, message: /does not target/ })
})

test('a pattern that ignores case, as Python writes it, is followed', t => {
  t.throws(() => read({ target_modules: '(?i).*Q_PROJ' }), { instanceOf: InvalidInputError, message: /does not target: .*v_proj/ })
})

test('a pattern of absurd length is refused', t => {
  t.throws(() => read({ target_modules: 'a'.repeat(4097) }), { instanceOf: InvalidInputError, message: /4097 characters, at most 4096/ })
})

for (const changes of [{ layers_to_transform: [0] }, { layers_pattern: 'layers' }]) {
  test(`${Object.keys(changes)[0]} beside a regular expression is refused, as in PEFT`, t => {
    t.throws(() => read({ ...changes, target_modules: '.*_proj' }), {
      instanceOf: InvalidInputError,
      message: /need target_modules to be a list/
    })
  })
}

// What changes the mathematics

const UNSUPPORTED: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [{ peft_type: 'LOHA' }, /peft_type "LOHA"; only "LORA" is supported/],
  [{ peft_type: 'PREFIX_TUNING' }, /peft_type "PREFIX_TUNING"/],
  [{ use_dora: true }, /use_dora.*DoRA rescales/],
  [{ modules_to_save: ['lm_head'] }, /modules_to_save.*whole modules/],
  [{ lora_bias: true }, /lora_bias.*bias to B/],
  [{ bias: 'all' }, /bias "all".*only "none"/],
  [{ bias: 'lora_only' }, /bias "lora_only"/],
  [{ use_qalora: true }, /use_qalora.*pools the input/],
  [{ use_bdlora: { nblocks: 2 } }, /use_bdlora.*block-diagonal/],
  [{ alora_invocation_tokens: [1, 2] }, /alora_invocation_tokens.*certain tokens/],
  [{ megatron_config: { tensor_model_parallel_size: 2 } }, /megatron_config.*several devices/],
  [{ layer_replication: [[0, 2]] }, /layer_replication.*repeats layers/],
  [{ target_parameters: ['experts.down_proj'] }, /target_parameters.*not linear modules/],
  [{ trainable_token_indices: [5] }, /trainable_token_indices.*embedding/],
  [{ arrow_config: { top_k: 2 } }, /arrow_config.*routes/],
  [{ kasa_config: { beta: 1 } }, /kasa_config.*diagonal/],
  [{ monteclora_config: { num_samples: 8 } }, /monteclora_config.*random/],
  [{ init_lora_weights: 'pissa' }, /init_lora_weights "pissa".*changes the base weights/],
  [{ init_lora_weights: 'olora' }, /"olora"/],
  [{ init_lora_weights: 'loftq' }, /"loftq"/],
  [{ a_setting_of_next_year: 3 }, /sets a_setting_of_next_year, which is not known/],
  [{ constructor: 3 }, /sets constructor, which is not known/]
]
for (const [changes, message] of UNSUPPORTED) {
  test(`${JSON.stringify(changes)} is refused by name with the reason`, t => {
    t.throws(() => read(changes), { instanceOf: UnsupportedError, message })
  })
}

const HARMLESS: readonly Record<string, unknown>[] = [
  { use_dora: false, modules_to_save: [], layer_replication: null, a_setting_of_next_year: false },
  { lora_dropout: 0.3, inference_mode: false, revision: 'main', auto_mapping: { base_model_class: 'X' }, fan_in_fan_out: true },
  { init_lora_weights: 'gaussian', eva_config: { rho: 2 }, velora_config: { num_groups: 4 }, loftq_config: { loftq_bits: 4 } },
  { init_lora_weights: false, bias: null, use_rslora: null, rank_pattern: null, alpha_pattern: null, layers_to_transform: [] }
]
for (const changes of HARMLESS) {
  test(`${JSON.stringify(changes)} changes nothing`, t => {
    t.deepEqual(read(changes), read())
  })
}

const FOREIGN: readonly (readonly [string, RegExp])[] = [
  ['base_model.model.model.embed_tokens.lora_embedding_A', /an embedding is not a linear module/],
  ['base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight', /DoRA/],
  ['base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias', /bias of B/],
  ['base_model.model.classifier.modules_to_save.default.weight', /modules_to_save/],
  ['base_model.model.lm_head.weight', /heads saved whole/]
]
for (const [name, message] of FOREIGN) {
  test(`the tensor ${name} is refused with the reason, even if the config is silent`, t => {
    const error = t.throws(() => read({}, [...QV, { name, shape: [1], data: [1] }]), { instanceOf: UnsupportedError, message })
    t.true(error.message.includes(name))
  })
}

test('a convolution (four dimensions) is refused as non-linear', t => {
  const tensors = [{ ...QV[0]!, shape: [2, 3, 1, 1] }, ...QV.slice(1)]
  t.throws(() => read({}, tensors), {
    instanceOf: UnsupportedError,
    message: /q_proj\.lora_A\.weight has 4 dimensions: only linear modules/
  })
})

// Files that do not fit each other

test('unknown tensors are refused with their names; of many, five are named', t => {
  const tensors = Array.from({ length: 7 }, (_, i) => ({ name: `something.${i}`, shape: [1], data: [1] }))
  t.throws(() => read({}, [...QV, ...tensors]), {
    instanceOf: InvalidInputError,
    message: /no LoRA matrices: something\.0, something\.1, something\.2, something\.3, something\.4 and 2 more/
  })
})

test('a module without one of its matrices is refused with its name', t => {
  t.throws(() => read({}, QV.slice(1)), {
    instanceOf: InvalidInputError,
    message: 'module model.layers.0.self_attn.q_proj has lora_B but no lora_A'
  })
  t.throws(() => read({}, QV.slice(0, 3)), {
    instanceOf: InvalidInputError,
    message: 'module model.layers.0.self_attn.v_proj has lora_A but no lora_B'
  })
})

test('the same matrix under two names is refused', t => {
  const again = { ...QV[0]!, name: QV[0]!.name.replace('.weight', '.default.weight') }
  t.throws(() => read({}, [...QV, again]), { instanceOf: InvalidInputError, message: /are the same matrix/ })
})

test('a file without LoRA tensors is refused', t => {
  t.throws(() => read({}, []), { instanceOf: InvalidInputError, message: /no LoRA tensors/ })
})

test('a module of no width is refused', t => {
  const empty = moduleTensors({ name: 'model.layers.0.self_attn.q_proj', rank: 2, dIn: 0, dOut: 4 })
  t.throws(() => read({}, empty), { instanceOf: InvalidInputError, message: /0 wide at its input and 4 at its output/ })
})

test('a rank beyond the limit is refused with the module', t => {
  const module = moduleTensors({ name: 'model.layers.0.self_attn.q_proj', rank: 129, dIn: 1, dOut: 1 })
  t.throws(() => read({ r: 129 }, module), { instanceOf: LimitExceededError, message: /rank is 129, at most 128 .*q_proj/ })
})

test('NaN in a weight is refused with the tensor', t => {
  const broken = [{ ...QV[0]!, data: [1, 2, NaN, 4, 5, 6] }, ...QV.slice(1)]
  t.throws(() => read({}, broken), { instanceOf: InvalidInputError, message: /q_proj\.lora_A\.weight has NaN at element 2/ })
})

// The config as text

const WRONG_TEXT: readonly (readonly [string, string, RegExp])[] = [
  ['half an object', '{', /not JSON/],
  ['an array', '[]', /adapter_config.json is wrong: the whole/],
  ['an empty object', '{}', /adapter_config.json is wrong: peft_type: .*; base_model_name_or_path: /],
  ['r of 0', configText({ r: 0 }), /wrong: r: /],
  ['a fractional r', configText({ r: 2.5 }), /wrong: r: /],
  ['lora_alpha of 0', configText({ lora_alpha: 0 }), /wrong: lora_alpha: /],
  ['no target_modules', configText({ target_modules: null }), /wrong: target_modules: /],
  ['empty target_modules', configText({ target_modules: [] }), /wrong: target_modules: /],
  ['a negative rank in rank_pattern', configText({ rank_pattern: { q_proj: -1 } }), /wrong: rank_pattern\.q_proj: /],
  ['no base model', configText({ base_model_name_or_path: null }), /wrong: base_model_name_or_path: /]
]
for (const [what, config, message] of WRONG_TEXT) {
  test(`adapter_config.json with ${what} is refused with the key`, t => {
    t.throws(() => readPeftAdapter({ config, weights: safetensorsFile(QV) }), { instanceOf: InvalidInputError, message })
  })
}

test('adapter_config.json of absurd length is refused before it is parsed', t => {
  const config = ' '.repeat(2 ** 20 + 1)
  t.throws(() => readPeftAdapter({ ...adapterFiles('kjv-llama'), config }), { instanceOf: LimitExceededError })
})

test('more modules than a manifest can have are refused before the patterns are held against them', t => {
  const tensors = Array.from({ length: 1025 }, (_, i) => moduleTensors({ name: `layers.${i}.q_proj`, rank: 2, dIn: 1, dOut: 1 })).flat()
  const files = { config: configText({ target_modules: 'x' }), weights: safetensorsFile(tensors) }
  t.throws(() => readPeftAdapter(files), {
    name: 'LimitExceededError',
    message: 'modules of an adapter is 1025, at most 1024 are accepted in one manifest'
  })
})
