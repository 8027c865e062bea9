import { closeSync, cpSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import test from 'ava'
import { readAdapterFolder, readModelFolder } from '../../src/hub/index.js'
import { readBaseModelDescription } from '../../src/model/index.js'
import { readPeftAdapter } from '../../src/lora/index.js'

const MODEL = 'config/demo/models/novels-llama'
const ADAPTER = 'config/demo/adapters/kjv-llama'

const folders: string[] = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder with copies of these files, and with these texts. */
function folderWith(source: string, names: readonly string[], texts: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'zklora-test-'))
  folders.push(folder)
  mkdirSync(join(folder, 'onnx'))
  for (const name of names) cpSync(join(source, name), join(folder, name))
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text)
  return folder
}

test('a model folder is read: small files whole, the graph by its path', t => {
  const folder = readModelFolder(MODEL)
  t.is(folder.path, resolve(MODEL))
  t.is(folder.baseName, 'novels-llama')
  t.is(folder.config['model_type'], 'llama')
  t.is(folder.generationConfig['eos_token_id'], 0)
  t.is(folder.tokenizerConfig['tokenizer_class'], 'PreTrainedTokenizerFast')
  t.is(folder.onnx, resolve(MODEL, 'onnx/model.onnx'))
})

test('to know which model it is, no weights are needed', t => {
  const folder = folderWith(MODEL, ['config.json', 'tokenizer.json'])
  t.is(readBaseModelDescription(folder, 'novels-llama').tokens.length, 2048)
})

test('files that a model may lack are empty', t => {
  const folder = readModelFolder(folderWith(MODEL, ['config.json', 'tokenizer.json', 'onnx/model.onnx']))
  t.deepEqual([folder.generationConfig, folder.tokenizerConfig], [{}, {}])
})

test('the export with past comes first; another can be named, from the folder or absolute', t => {
  const names = ['config.json', 'tokenizer.json']
  const texts = { 'model.onnx': '', 'onnx/decoder_model.onnx': '', 'onnx/model_fp16.onnx': '' }
  const folder = folderWith(MODEL, names, texts)
  t.is(readModelFolder(folder).onnx, join(folder, 'model.onnx'))
  t.is(readModelFolder(folderWith(MODEL, [...names, 'onnx/model.onnx'], texts)).onnx.endsWith('onnx/model.onnx'), true)
  t.is(readModelFolder(folder, { file: 'onnx/model_fp16.onnx' }).onnx, join(folder, 'onnx/model_fp16.onnx'))
  t.is(readModelFolder(folder, { file: resolve(MODEL, 'onnx/model.onnx') }).onnx, resolve(MODEL, 'onnx/model.onnx'))
  t.throws(() => readModelFolder(folder, { file: 'onnx/none.onnx' }), {
    name: 'InvalidInputError',
    message: /there is no .*none\.onnx: export the model with/
  })
})

test('an adapter folder gives the two files of PEFT', t => {
  const { config, weights, path } = readAdapterFolder(ADAPTER)
  t.is(basename(path), 'kjv-llama')
  t.is(readPeftAdapter({ config, weights }).modules.length, 6)
})

test('what is missing is named with the remedy', t => {
  const config = ['config.json']
  const both = ['config.json', 'tokenizer.json']
  for (const [read, message] of [
    [() => readModelFolder('no/such/folder'), /there is no folder .*no\/such\/folder/],
    [() => readModelFolder(join(MODEL, 'config.json')), /there is no folder/],
    [() => readModelFolder(folderWith(MODEL, [])), /has no config\.json: .* is no base model/],
    [() => readModelFolder(folderWith(MODEL, config)), /has no tokenizer\.json: save the fast tokenizer/],
    [() => readModelFolder(folderWith(MODEL, both)), /has no ONNX model .*optimum-cli export onnx/],
    [() => readModelFolder(folderWith(MODEL, both, { 'model.safetensors': '' })), /has no ONNX model/],
    [() => readAdapterFolder(MODEL), /has no adapter_config\.json: .* is no PEFT adapter/],
    [() => readAdapterFolder(folderWith(ADAPTER, ['adapter_config.json'])), /has no adapter_model\.safetensors: copy it/]
  ] as const) {
    t.throws(read, { name: 'InvalidInputError', message })
  }
})

test('pickled files are refused by name', t => {
  const model = folderWith(MODEL, ['config.json', 'tokenizer.json'], { 'pytorch_model.bin': '' })
  t.throws(() => readModelFolder(model), {
    name: 'UnsupportedError',
    message: /has pytorch_model\.bin but no onnx\/model\.onnx: pickled files can run code/
  })
  const adapter = folderWith(ADAPTER, ['adapter_config.json'], { 'adapter_model.bin': '' })
  t.throws(() => readAdapterFolder(adapter), { name: 'UnsupportedError', message: /adapter_model\.bin.*safe_serialization=True/ })
  // Beside what is needed they do no harm.
  const beside = folderWith(ADAPTER, ['adapter_config.json', 'adapter_model.safetensors'], { 'training_args.bin': '' })
  t.notThrows(() => readAdapterFolder(beside))
})

test('files that are no JSON objects are named', t => {
  for (const [text, message] of [
    ['{', /config\.json is not JSON: /],
    ['[1]', /config\.json holds no JSON object/],
    ['null', /config\.json holds no JSON object/],
    ['5', /config\.json holds no JSON object/]
  ] as const) {
    t.throws(() => readModelFolder(folderWith(MODEL, ['tokenizer.json', 'onnx/model.onnx'], { 'config.json': text })), {
      name: 'InvalidInputError',
      message
    })
  }
})

test('a file beyond all measure is not read', t => {
  const folder = folderWith(MODEL, ['tokenizer.json', 'onnx/model.onnx'], { 'config.json': '{}' })
  const file = openSync(join(folder, 'config.json'), 'r+')
  ftruncateSync(file, 5 * 1024 * 1024)
  closeSync(file)
  t.throws(() => readModelFolder(folder), { name: 'LimitExceededError', message: /bytes of .*config\.json is 5242880, at most 4194304/ })
})
