/**
 * adapter_config.json of a PEFT LoRA adapter. What changes the mathematics beyond `x + scaling · x A B` is refused by name with
 * the reason; settings that only concern training are known and ignored; anything unknown that is switched on is refused, since
 * a newer PEFT may mean by it something that we would silently not do.
 *
 * Source: peft/tuners/lora/config.py (PEFT 0.21)
 */
import { z } from 'zod'
import { InvalidInputError, LimitExceededError, UnsupportedError } from '../errors.js'
import type { TargetRule } from './patterns.js'

/** Characters of adapter_config.json; those of PEFT have about a thousand, more with long lists of modules. */
const MAX_CONFIG_LENGTH = 1024 * 1024

/** What is used of adapter_config.json. */
export interface PeftConfig {
  readonly baseModelName: string
  /** The rank of modules for which rank_pattern has nothing. */
  readonly rank: number
  /** lora_alpha of modules for which alpha_pattern has nothing. */
  readonly alpha: number
  readonly useRslora: boolean
  readonly rankPattern: Readonly<Record<string, number>>
  readonly alphaPattern: Readonly<Record<string, number>>
  readonly targets: TargetRule
}

/** Switched on, these change what the adapter computes: setting → what it does. */
const CHANGES_THE_MATHEMATICS: Readonly<Record<string, string>> = {
  use_dora: 'DoRA rescales the columns of the base weights, which is not a sum of base and delta',
  modules_to_save: 'it replaces whole modules of the base model, which are not low-rank deltas',
  lora_bias: 'it adds a bias to B, so the delta is not linear in x',
  use_qalora: 'QA-LoRA pools the input before A',
  use_bdlora: 'BD-LoRA has block-diagonal matrices in another layout',
  alora_invocation_tokens: 'activated LoRA applies the delta only after certain tokens',
  megatron_config: 'Megatron splits the layers over several devices',
  layer_replication: 'it repeats layers of the base model',
  target_parameters: 'it targets parameters that are not linear modules (mixtures of experts)',
  trainable_token_indices: 'it changes rows of the embedding, which is not a linear module',
  arrow_config: 'Arrow routes between several adapters token by token',
  kasa_config: 'KaSA puts a diagonal matrix between A and B and changes the base weights',
  monteclora_config: 'MonteCLoRA draws random weights'
}

/** Without effect on what a trained adapter computes. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['auto_mapping', 'peft_version', 'revision', 'task_type', 'inference_mode', 'runtime_config', 'merge_weights'],
  ...['lora_dropout', 'fan_in_fan_out', 'megatron_core', 'qalora_group_size', 'ensure_weight_tying'],
  // How A and B were initialised or trained; what that does to the base model is decided by init_lora_weights.
  ...['loftq_config', 'eva_config', 'corda_config', 'lora_ga_config', 'velora_config']
])

/** Initialisations that leave the base weights alone. */
const HARMLESS_INITIALISATIONS: ReadonlySet<unknown> = new Set([true, false, null, undefined, 'gaussian', 'eva', 'orthogonal'])

const strings = z.array(z.string().max(4096)).max(8192)
const integer = z.number().int()

const schema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().min(1),
  r: integer.positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().nullish(),
  rank_pattern: z.record(z.string(), integer.positive()).nullish(),
  alpha_pattern: z.record(z.string(), z.number().positive()).nullish(),
  target_modules: z.union([strings.min(1), z.string().min(1)]),
  exclude_modules: z.union([strings, z.string()]).nullish(),
  layers_to_transform: z.union([integer, z.array(integer)]).nullish(),
  layers_pattern: z.union([strings, z.string()]).nullish(),
  bias: z.string().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish()
})

const USED: ReadonlySet<string> = new Set(Object.keys(schema.shape))

/**
 * Reads adapter_config.json.
 * @param text its text
 * @throws InvalidInputError for text that is not such a file, UnsupportedError for what zklora cannot compute
 */
export function readPeftConfig(text: string): PeftConfig {
  if (text.length > MAX_CONFIG_LENGTH) throw new LimitExceededError('characters of adapter_config.json', text.length, MAX_CONFIG_LENGTH)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new InvalidInputError('adapter_config.json is not JSON', { cause })
  }
  // The type comes first: of another method's file, other fields would be missing.
  const type = z.object({ peft_type: z.string() }).safeParse(json)
  if (type.success && type.data.peft_type !== 'LORA') {
    throw new UnsupportedError(`adapter_config.json has peft_type ${JSON.stringify(type.data.peft_type)}; only "LORA" is supported`)
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) throw new InvalidInputError(`adapter_config.json is wrong: ${describe(parsed.error)}`)
  refuseUnsupported(parsed.data)
  return used(parsed.data)
}

type Config = z.infer<typeof schema>

function refuseUnsupported(config: Config): void {
  for (const [key, value] of Object.entries(config)) {
    if (USED.has(key) || WITHOUT_EFFECT.has(key) || isOff(value)) continue
    const reason = Object.hasOwn(CHANGES_THE_MATHEMATICS, key) ? CHANGES_THE_MATHEMATICS[key] : undefined
    throw new UnsupportedError(
      reason === undefined
        ? `adapter_config.json sets ${key}, which is not known; if it does not change what the adapter computes, remove it from the file`
        : `adapter_config.json sets ${key}, which is not supported: ${reason}`
    )
  }
  if (config.bias != null && config.bias !== 'none') {
    throw new UnsupportedError(
      `adapter_config.json has bias ${JSON.stringify(config.bias)}: it changes biases of the base model; only "none" is supported`
    )
  }
  if (!HARMLESS_INITIALISATIONS.has(config.init_lora_weights)) {
    throw new UnsupportedError(
      `adapter_config.json has init_lora_weights ${JSON.stringify(config.init_lora_weights)}, which changes the base weights; save the adapter as plain LoRA ` +
        '(PEFT: save_pretrained with path_initial_model_for_weight_conversion)'
    )
  }
}

function used(config: Config): PeftConfig {
  return {
    baseModelName: config.base_model_name_or_path,
    rank: config.r,
    alpha: config.lora_alpha,
    useRslora: config.use_rslora ?? false,
    rankPattern: config.rank_pattern ?? {},
    alphaPattern: config.alpha_pattern ?? {},
    targets: {
      targetModules: config.target_modules,
      excludeModules: config.exclude_modules ?? [],
      layersToTransform: listOf(config.layers_to_transform),
      layersPattern: listOf(config.layers_pattern).filter(pattern => pattern !== '')
    }
  }
}

function listOf<T extends string | number>(value: T | T[] | null | undefined): T[] {
  if (value == null) return []
  return Array.isArray(value) ? value : [value]
}

/** Null, false, and empty lists, objects and strings: how PEFT writes what is not used. */
function isOff(value: unknown): boolean {
  if (value == null || value === false || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function describe(error: z.ZodError): string {
  return error.issues.map(issue => `${issue.path.join('.') || 'the whole'}: ${issue.message}`).join('; ')
}
