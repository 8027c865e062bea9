/**
 * A user: runs the base model with a remote adapter, compares the loss of a text, writes on from a prompt, and keeps the proofs.
 *
 *     node dist/scripts/samples/base-model-user.js --contributor MULTIADDR [--base MODEL] [--text TEXT] [--out FOLDER]
 */
import { parseArgs } from 'node:util'
import { BaseModelClient } from 'zklora'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: 'config/demo/models/novels-llama' },
    contributor: { type: 'string', multiple: true },
    text: { type: 'string', default: 'And it came to pass in those days, that there went out a decree' },
    tokens: { type: 'string', default: '16' },
    out: { type: 'string', default: 'proofs' }
  }
})
if (values.contributor === undefined) throw new Error('say whose adapter is used: --contributor MULTIADDR (the contributor prints it)')

const client = new BaseModelClient({
  baseModel: values.base,
  contributors: values.contributor,
  combineMode: 'add_delta',
  outDir: values.out,
  privateAddresses: true
})
try {
  for (const { name, id } of await client.initAndPatch()) console.log(`adapter ${name} (${id.slice(0, 12)}…)`)
  console.log(`loss ${(await client.forwardLoss(values.text)).toFixed(4)}`)
  const { text } = await client.generate('My dear sir,', { maxNewTokens: Number(values.tokens) })
  console.log(`text ${JSON.stringify(text)}`)
  for (const { state, rows, root, error, file } of await client.endInference()) {
    console.log(error === null ? `proof ${root}: ${rows} rows, ${state}, ${file}` : `failed: ${error}`)
    if (error !== null) process.exitCode = 1
  }
} finally {
  await client.close()
}
