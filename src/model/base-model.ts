/**
 * A base model that runs here, with deltas from elsewhere. See docs/decisions for how it is cut and why nothing of it is written
 * to disk.
 */
import type { ModelFolder } from '../hub/index.js'
import { readModelFolder } from '../hub/index.js'
import { describeBaseModel } from './description.js'
import type { BaseModelDescription } from './description.js'
import { ModelInputs } from './inputs.js'
import { readModel } from './onnx/graph.js'
import { CutModel } from './run/cut-model.js'
import type { CutOptions } from './run/cut-model.js'
import { Sequence } from './sequence.js'
import type { SequenceOptions } from './sequence.js'
import { readSettings } from './settings.js'
import type { ModelSettings } from './settings.js'
import { generate } from './text/generate.js'
import type { Generated, GenerateOptions } from './text/generate.js'
import { lossOf } from './text/loss.js'
import type { Loss, LossOptions } from './text/loss.js'
import { TextTokenizer } from './tokenizer.js'

export interface BaseModelOptions extends CutOptions {
  /** The ONNX model when it is not one of the usual ones, from the folder (`onnx/model_fp16.onnx`) or absolute. */
  readonly file?: string | undefined
  /** What adapters call the model (see describeBaseModel). */
  readonly name?: string | undefined
  /** Positions at most; absent: as config.json says. */
  readonly contextLength?: number | undefined
}

/** A text, or its tokens. */
export type Prompt = string | readonly number[]

export class BaseModel {
  private constructor(
    private readonly given: {
      readonly folder: ModelFolder
      readonly settings: ModelSettings
      readonly inputs: ModelInputs
      readonly cut: CutModel
    },
    readonly tokenizer: TextTokenizer,
    /** What the base model identifier is made from. */
    readonly description: BaseModelDescription
  ) {}

  /**
   * Opens a folder in Hugging Face layout; with groups, cut at their modules. Close it after use.
   * @throws InvalidInputError for files that are missing or damaged, modules that are not in the model, groups that do not share an
   *   input; UnsupportedError for models of another kind, with the reason
   */
  static async open(path: string, options: BaseModelOptions = {}): Promise<BaseModel> {
    const folder = readModelFolder(path, { file: options.file })
    const read = readSettings(folder)
    const settings = { ...read, contextLength: options.contextLength ?? read.contextLength }
    const description = describeBaseModel(folder, options.name)
    const tokenizer = new TextTokenizer(folder)
    const model = readModel(folder.onnx)
    const inputs = new ModelInputs(model, settings)
    const cut = await CutModel.open(model, inputs.outputs, { ...options, heads: settings.heads })
    return new BaseModel({ folder, settings, inputs, cut }, tokenizer, description)
  }

  /** Tokens of the longest text; undefined when the model does not say. */
  get contextLength(): number | undefined {
    return this.given.settings.contextLength
  }

  /** Absolute path of the folder. */
  get folder(): string {
    return this.given.folder.path
  }

  /** Parts in which the graph runs (1: uncut), and how often a run waits for answers. */
  get shape(): { parts: number; stages: number } {
    return { parts: this.given.cut.parts, stages: this.given.cut.stages }
  }

  /** A text that grows token by token; several may grow at a time. */
  sequence(options: SequenceOptions = {}): Sequence {
    const { cut, inputs } = this.given
    return new Sequence({ cut, inputs, contextLength: this.contextLength }, options)
  }

  /** Writes on from a prompt. Without `deltas` it is the base model that writes. See text/generate.ts. */
  async generate(prompt: Prompt, options: GenerateOptions & SequenceOptions = {}): Promise<Generated> {
    const given = { sequence: this.sequence(options), tokenizer: this.tokenizer, eos: this.given.settings.eos }
    return generate(this.tokens(prompt), given, options)
  }

  /** Mean next-token cross entropy of a text. Without `deltas` that of the base model. See text/loss.ts. */
  async loss(text: Prompt, options: LossOptions & SequenceOptions = {}): Promise<Loss> {
    return lossOf(this.tokens(text), { start: () => this.sequence(options), contextLength: this.contextLength }, options)
  }

  /** Tokens of a prompt, special tokens included. */
  tokens(prompt: Prompt): readonly number[] {
    return typeof prompt === 'string' ? this.tokenizer.encode(prompt) : prompt
  }

  /** Frees memory and threads. */
  async close(): Promise<void> {
    await this.given.cut.close()
  }
}
