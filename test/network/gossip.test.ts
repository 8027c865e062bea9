import test from 'ava'
import { Verifier } from '../../src/roles/verifier.js'
import type { VerdictInfo } from '../../src/roles/types.js'
import { topicOf } from '../../src/net/index.js'
import { connect, mesh, startNode, type TestNode } from '../net/nodes.js'
import { kernel, seeded } from '../proof/fixture.js'
import { bodyOf, hex, keep, makeBundle, OWNER_SECRET } from './bundles.js'

/** A verifier over a node, and its verdicts as they come. */
function verifierOf(node: TestNode): { verifier: Verifier; verdict: (wanted: VerdictInfo['verdict']) => Promise<VerdictInfo> } {
  const verifier = new Verifier({ net: node.net, store: node.store, kernel, random: seeded('verifier') })
  verifier.start()
  return {
    verifier,
    verdict: wanted =>
      new Promise(resolve => {
        const unlisten = verifier.listen(info => {
          if (info.verdict !== wanted) return
          unlisten()
          resolve(info)
        })
      })
  }
}

test('an announcement is gossiped through a node in between and verified by one that took no part', async t => {
  const made = makeBundle('gossip', 'one')
  const [contributor, between, far] = await Promise.all([startNode(t, { roles: ['contributor'] }), startNode(t), startNode(t)])
  await keep(contributor.store, made)
  await mesh(between, far, topicOf(made.statement.base))
  await connect(contributor, between)
  const { verifier, verdict } = verifierOf(far)
  t.teardown(() => verifier.stop())
  const valid = verdict('valid')
  await contributor.net.announce.announce(bodyOf(made, contributor.net.node.peerId), OWNER_SECRET)
  const info = await valid
  t.is(info.digest, hex(made.proof.digest))
  t.true(info.userSigned)
  t.is(info.rows, 5)
  t.deepEqual(await far.store.bundles.get(made.proof.digest), made.bundle)
  t.is((await far.store.feeds.list()).length, 1)
})
