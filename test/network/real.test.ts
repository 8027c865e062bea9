/** The whole line with real weights: base model, two adapters of two contributors on the same modules, deltas that add up, two proofs. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { BaseModel } from '../../src/model/index.js'
import { RemoteAdapters, rowsFor, targetGroups } from '../../src/roles/user.js'
import { kernel } from '../proof/fixture.js'
import { contributor, participant, random } from './people.js'
import { registerReal } from './people-adapters.js'

const BASE = 'config/demo/models/novels-llama'
/** What quantisation to 16 and 12 bits changes in the loss of these adapters, measured on their reference texts. */
const TOLERANCE = 0.001

test('two contributors adapt one base model: the loss is that of PEFT with both adapters, and each proves its part', async t => {
  const reference = JSON.parse(readFileSync('test/fixtures/reference/pair-llama.json', 'utf8')) as {
    input_ids: number[]
    loss_both: number
  }
  const registered = [registerReal('shakespeare-llama', BASE), registerReal('kjv-llama', BASE)]
  const servers = await Promise.all(registered.map(each => contributor(t, [each])))
  const user = await participant(t, ['user'])
  for (const server of servers) await user.net.node.dial(server.net.node.getMultiaddrs())
  const manifests = registered.map(({ manifest }) => manifest)
  const model = await BaseModel.open(BASE, { groups: targetGroups(manifests) })
  t.teardown(() => model.close())

  const remotes = await RemoteAdapters.open(
    servers.map(({ net }, i) => ({
      kernel,
      random,
      sessions: user.sessions,
      fetch: user.net.fetch,
      store: user.store,
      peer: net.node.peerId,
      manifest: manifests[i]!,
      rows: rowsFor(manifests[i]!, reference.input_ids.length)
    }))
  )
  const { loss } = await model.loss(reference.input_ids, { deltas: remotes.provider })
  t.true(Math.abs(loss - reference.loss_both) < TOLERANCE, `${loss} and PEFT's ${reference.loss_both}`)

  const sessions = await remotes.finish()
  for (const [i, session] of sessions.entries()) {
    t.is(session.state, 'announced')
    t.is(session.rows, rowsFor(manifests[i]!, reference.input_ids.length - 1))
    t.log(`${session.adapterName}: ${session.rows} rows, bundle of ${session.bundleBytes} bytes`)
    t.log(`committed in ${session.times.commit!.toFixed()} ms, verified by the user in ${session.times.verify!.toFixed()} ms`)
  }
  for (const server of servers) {
    await server.contributor.stop()
    const [record] = await server.store.sessions.list()
    t.log(`proved in ${record!.times.prove!.toFixed()} ms`)
  }
})
