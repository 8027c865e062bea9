import test from 'ava'
import { join } from 'node:path'
import { readBaseModel } from '../../src/roles/base-model.js'
import { temporaryFolder } from '../daemon/folders.js'
import { zklora } from './terminal.js'

interface Inspected {
  id: string
  modelType: string
  contextLength: number
  modules: { name: string; dIn: number; dOut: number; input: number }[]
}

for (const [model, type, shared] of [
  ['novels-llama', 'llama', ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj']],
  ['novels-gpt2', 'gpt2', ['attn.c_attn']]
] as const) {
  test(`model inspect lists what adapters can target in ${model}, without a daemon`, async t => {
    const folder = join('config/demo/models', model)
    const dataDir = await temporaryFolder(t)
    const json = await zklora(['model', 'inspect', folder, '--json', '--data-dir', dataDir])
    t.is(json.status, 0, json.stderr)
    const { id, modelType, contextLength, modules } = JSON.parse(json.stdout) as Inspected
    t.is(id, Buffer.from(readBaseModel(folder).id).toString('hex'))
    t.is(modelType, type)
    t.true(contextLength > 0)
    const first = shared.map(end => modules.find(({ name }) => name.includes('.0.') && name.endsWith(end))!)
    t.true(first.every(module => module !== undefined && module.input === first[0]!.input))
    t.is(modules.filter(({ input }) => input === first[0]!.input).length, shared.length)
    t.is(new Set(modules.map(({ name }) => name)).size, modules.length)

    const people = await zklora(['model', 'inspect', folder, '--data-dir', dataDir])
    t.true(people.stdout.includes(id))
    for (const { name } of modules) t.true(people.stdout.includes(name))
  })
}

test('model inspect of a folder without a model is an error that names it', async t => {
  const dataDir = await temporaryFolder(t)
  const { status, stderr } = await zklora(['model', 'inspect', join(dataDir, 'none'), '--data-dir', dataDir])
  t.is(status, 2)
  t.regex(stderr, /none/)
})
