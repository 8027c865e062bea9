import test from 'ava'
import { fromHex } from '../../src/bytes.js'
import { InvalidProofError } from '../../src/errors.js'
import { verify } from '../../src/proof/index.js'
import type { VerdictInfo } from '../../src/roles/types.js'
import { Verifier } from '../../src/roles/verifier.js'
import { decodeMessage, type Evidence } from '../../src/session/index.js'
import { event } from '../net/nodes.js'
import { kernel, register } from '../proof/fixture.js'
import { answersOtherWeights, carelessJobs, commitsToIdentity, commitsToOtherWeights } from './dishonest.js'
import { activations, contributor, participant, random, remote } from './people.js'

const registered = register('dishonest')
const { manifest } = registered
const GROUP = 0
const rows = (count: number): Float32Array => activations(count, manifest.groups[GROUP]!.dIn)

test('a contributor that answers with other weights than it committed to is caught by the user in the session, with evidence', async t => {
  const server = await contributor(t, [registered], { jobs: answersOtherWeights })
  const user = await participant(t, ['user'])
  const kept: Evidence[] = []
  const adapter = await remote(user, server, { manifest, commitRows: 4, onEvidence: evidence => kept.push(evidence) })
  await adapter.deltas({ group: GROUP, position: 0, rows: rows(4) })
  const error = await t.throwsAsync(adapter.finish(), { instanceOf: InvalidProofError })
  t.is((error as InvalidProofError).step, 'opening')
  t.is(adapter.info().state, 'failed')
  t.regex(adapter.info().error ?? '', /output commitment of rows 0 to 3/)

  const [evidence] = kept
  t.is(evidence!.error, error)
  t.deepEqual(evidence!.before, { user: 0, contributor: 0 })
  const kinds = evidence!.messages.map(({ from, bytes }) => `${from} ${decodeMessage(bytes).kind}`)
  t.deepEqual(kinds, ['user begin', 'user rows', 'contributor deltas', 'user batch', 'contributor batch'])
  await server.contributor.stop()
  const [record] = await server.store.sessions.list()
  t.is(record!.state, 'broken')
  t.regex(record!.error ?? '', /invalid commitment, signature or hash/)
})

test('a contributor that commits to nothing is caught by the user in the session', async t => {
  const server = await contributor(t, [registered], { jobs: commitsToIdentity })
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest })
  await adapter.deltas({ group: GROUP, position: 0, rows: rows(2) })
  await t.throwsAsync(adapter.finish(), { instanceOf: InvalidProofError, message: /row 0 is the identity/ })
  const code = { 'invalid commitment, signature or hash': 1 }
  while (Object.keys(server.counters.refusedBy.all()).length === 0) await new Promise(resolve => setImmediate(resolve))
  t.deepEqual([user.counters.refused.all(), server.counters.refusedBy.all()], [code, code])
})

test('a contributor whose commitments open but not to its adapter cannot prove: the user refuses its bundle and signs nothing', async t => {
  const server = await contributor(t, [registered], { jobs: commitsToOtherWeights })
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest })
  await adapter.deltas({ group: GROUP, position: 0, rows: rows(3) })
  const error = await t.throwsAsync(adapter.finish(), { instanceOf: InvalidProofError })
  t.is((error as InvalidProofError).step, 'equations')
  t.is(adapter.info().state, 'failed')
  t.is((await user.store.bundles.list()).length, 0)
  await server.contributor.stop()
  const [record] = await server.store.sessions.list()
  t.is(record!.state, 'proved')
  t.is(record!.announcement, null)
  t.is(record!.error, 'the user gave no receipt: bundle invalid')
  t.deepEqual([user.counters.refused.all(), server.counters.refusedBy.all()], [{ 'bundle invalid': 1 }, { 'bundle invalid': 1 }])
})

test('when the user does not care, the verifier that took no part refuses the announced bundle', async t => {
  const server = await contributor(t, [registered], { jobs: commitsToOtherWeights })
  await server.store.manifests.put(manifest)
  const user = await participant(t, ['user'])
  const far = await participant(t, ['verifier'])
  const verifier = new Verifier({ net: far.net, store: far.store, kernel, random })
  verifier.start()
  t.teardown(() => verifier.stop())
  const verdict = new Promise<VerdictInfo>(resolve => {
    verifier.listen(info => info.verdict !== 'announced' && resolve(info))
  })
  const known = event(far.net.node, 'peer:identify', () => true)
  await far.net.node.dial(server.net.node.getMultiaddrs())
  await known

  const adapter = await remote(user, server, { manifest, jobs: carelessJobs(manifest) })
  await adapter.deltas({ group: GROUP, position: 0, rows: rows(3) })
  const info = await adapter.finish()
  t.is(info.state, 'announced')
  const bundle = (await server.store.bundles.get(fromHex(info.digest!)))!
  t.throws(() => verify({ kernel, manifest, bundle, random }), { instanceOf: InvalidProofError, message: /^equations/ })
  const { verdict: found, error, digest } = await verdict
  t.is(found, 'invalid')
  t.is(digest, info.digest as string)
  t.regex(error ?? '', /^equations/)
})
