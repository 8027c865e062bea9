/**
 * Folders in Hugging Face layout. Nothing in them is run: pickled files (`.bin`, `.pt`), which can hold code, are refused by name.
 */
import { readdirSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { InvalidInputError, UnsupportedError } from '../errors.js'
import { exists, readBounded, readJson } from './files.js'
import type { Json } from './files.js'

const MiB = 1024 * 1024

/** Bytes of files that are read whole, at most. */
export const FILE_LIMITS = {
  /** config.json and its like: some KiB. */
  config: 4 * MiB,
  /** tokenizer.json: 33 MiB for a vocabulary of 256,000. */
  tokenizer: 256 * MiB,
  /** adapter_model.safetensors: rank 128 on all modules of a 70B model takes 6.6 GB; one array in Node holds 4 GiB. */
  adapter: 4096 * MiB
} as const

/** Where a causal LM lies, in the order in which it is looked for; exports with past come first. */
const ONNX_FILES = ['onnx/model.onnx', 'model.onnx', 'onnx/model_no_past.onnx', 'onnx/decoder_model.onnx', 'decoder_model.onnx'] as const

/** Files that Python unpickles. */
const PICKLED = /\.(bin|pt|pth|ckpt|pkl)$/i

/** The small files of a base model. */
export interface ModelFiles {
  /** Absolute. */
  readonly path: string
  /** Last component of the path. */
  readonly baseName: string
  readonly config: Json
  readonly generationConfig: Json
  readonly tokenizer: Json
  readonly tokenizerConfig: Json
}

/** A base model that can run. */
export interface ModelFolder extends ModelFiles {
  /** Absolute path of the ONNX model. */
  readonly onnx: string
}

/** A PEFT adapter's two files. */
export interface AdapterFolder {
  readonly path: string
  /** Text of adapter_config.json. */
  readonly config: string
  /** Bytes of adapter_model.safetensors. */
  readonly weights: Uint8Array
}

/**
 * What says which model it is; no weights are needed.
 * @throws InvalidInputError naming the missing file and the remedy; LimitExceededError for files beyond all measure
 */
export function readModelFiles(folder: string): ModelFiles {
  const path = checkedFolder(folder)
  need(path, 'config.json', `${path} is no base model: it needs config.json, tokenizer.json and, to run, an ONNX export`)
  need(path, 'tokenizer.json', 'save the fast tokenizer beside the model: AutoTokenizer.from_pretrained(…).save_pretrained(folder)')
  const optional = (name: string) => (exists(join(path, name)) ? readJson(path, name, FILE_LIMITS.config) : {})
  return {
    path,
    baseName: basename(path),
    config: readJson(path, 'config.json', FILE_LIMITS.config),
    generationConfig: optional('generation_config.json'),
    tokenizer: readJson(path, 'tokenizer.json', FILE_LIMITS.tokenizer),
    tokenizerConfig: optional('tokenizer_config.json')
  }
}

/**
 * @param options.file the ONNX model when it is not one of the usual ones, from the folder (e.g. `onnx/model_fp16.onnx`) or absolute
 * @throws as readModelFiles; InvalidInputError without an ONNX model; UnsupportedError for a folder with pickled weights only
 */
export function readModelFolder(folder: string, options: { file?: string | undefined } = {}): ModelFolder {
  const files = readModelFiles(folder)
  return { ...files, onnx: findOnnx(files.path, options.file) }
}

/** @throws as readModelFiles; UnsupportedError for a folder with pickled weights only */
export function readAdapterFolder(folder: string): AdapterFolder {
  const path = checkedFolder(folder)
  need(path, 'adapter_config.json', `${path} is no PEFT adapter: it needs adapter_config.json and adapter_model.safetensors`)
  refusePickled(
    path,
    'adapter_model.safetensors',
    'save the adapter with PEFT 0.6 or later: model.save_pretrained(folder, safe_serialization=True)'
  )
  need(path, 'adapter_model.safetensors', 'copy it beside adapter_config.json, from where the adapter was saved')
  return {
    path,
    config: new TextDecoder().decode(readBounded(path, 'adapter_config.json', FILE_LIMITS.config)),
    weights: readBounded(path, 'adapter_model.safetensors', FILE_LIMITS.adapter)
  }
}

function findOnnx(folder: string, file: string | undefined): string {
  const remedy = 'export the model with: optimum-cli export onnx --model NAME --task text-generation-with-past FOLDER'
  if (file !== undefined) {
    if (!exists(resolve(folder, file))) throw new InvalidInputError(`there is no ${resolve(folder, file)}: ${remedy}`)
    return resolve(folder, file)
  }
  const found = ONNX_FILES.find(name => exists(join(folder, name)))
  if (found !== undefined) return join(folder, found)
  refusePickled(folder, 'onnx/model.onnx', remedy)
  throw new InvalidInputError(`${folder} has no ONNX model (${ONNX_FILES.join(', ')} were looked for): ${remedy}`)
}

function checkedFolder(folder: string): string {
  const path = resolve(folder)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  throw new InvalidInputError(`there is no folder ${path}. Give the path of a downloaded folder in Hugging Face layout`)
}

function need(folder: string, name: string, remedy: string): void {
  if (!exists(join(folder, name))) throw new InvalidInputError(`${folder} has no ${name}: ${remedy}`)
}

/** Names the pickled file when the one that is needed is missing. */
function refusePickled(folder: string, needed: string, remedy: string): void {
  if (exists(join(folder, needed))) return
  const pickled = readdirSync(folder).find(name => PICKLED.test(name))
  if (pickled !== undefined) {
    throw new UnsupportedError(
      `${folder} has ${pickled} but no ${needed}: pickled files can run code when they are read, so they never are. Instead ${remedy}`
    )
  }
}
