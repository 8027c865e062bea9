import test from 'ava'
import { fromHex } from '../../src/bytes.js'
import { dequantize, hidden, outputs } from '../../src/lora/delta.js'
import { quantizeRows } from '../../src/lora/quantize.js'
import { verify } from '../../src/proof/index.js'
import { kernel, register } from '../proof/fixture.js'
import { activations, contributor, participant, random, remote } from './people.js'

const registered = register('network')

test('a session over two nodes gives the deltas of the adapter, and a bundle that is verified, signed by both and announced', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest: registered.manifest, commitRows: 4 })
  for (let token = 0; token < 3; token++) {
    await Promise.all(
      registered.adapter.quantized.groups.map(async (group, g) => {
        const count = token === 0 ? 3 : 1
        const rows = activations(count, group.dIn, token)
        const { x, scales } = quantizeRows(rows, group.dIn, 16)
        const y = outputs(group, hidden(group, x, count), count)
        const deltas = await adapter.deltas({ group: g, position: token === 0 ? 0 : token + 2, rows })
        t.deepEqual(deltas, dequantize({ modules: group.modules, y, rowScales: scales }))
      })
    )
  }
  const info = await adapter.finish()
  t.is(info.state, 'announced')
  t.is(info.rows, 10)
  t.is(info.error, null)
  t.true(info.times.verify! > 0 && info.times.commit! > 0)

  const digest = fromHex(info.digest!)
  for (const { store } of [user, server]) {
    const bundle = (await store.bundles.get(digest))!
    const proof = verify({ kernel, manifest: registered.manifest, bundle, random })
    t.true(proof.whole)
    t.is(proof.end, 10)
  }
  await server.contributor.stop()
  const [record] = await server.store.sessions.list()
  t.is(record!.state, 'announced')
  t.is(record!.announcement, (await user.store.sessions.list())[0]!.announcement)
  t.true(record!.times.prove! > 0)
  t.is(await server.store.budget.answered(registered.adapter.content, 0), 5)
})
