/** Who answers and does not go on with its session costs the other a timeout, by its name; what both signed until then is proved. */
import test from 'ava'
import { TimeoutError } from '../../src/errors.js'
import { fromHex } from '../../src/bytes.js'
import { inlineContributorJobs, inlineUserJobs } from '../../src/session/index.js'
import { openAnnouncement } from '../../src/store/index.js'
import { kernel, register } from '../proof/fixture.js'
import { activations, contributor, participant, random, remote } from './people.js'

const registered = register('waits')
const { manifest } = registered
const row = { group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) }
const never = (): Promise<never> => new Promise(() => {})

test('a contributor that answers rows and never commits to them costs the time of a batch', async t => {
  const server = await contributor(t, [registered], {
    jobs: adapter => ({ ...inlineContributorJobs({ kernel, adapter, random }), checkInputs: never })
  })
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest, timeouts: { batch: 200 } })
  await adapter.deltas(row)
  await t.throwsAsync(adapter.finish(), { instanceOf: TimeoutError, message: "the contributor's batch from row 0 took longer than 0.2 s" })
  t.is(adapter.info().state, 'broken')
  t.deepEqual([user.counters.timeouts.all(), user.counters.refused.all()], [{ batch: 1 }, { timeout: 1 }])
  await server.contributor.stop()
  t.deepEqual(server.counters.refusedBy.all(), { timeout: 1 })
})

test('a user that gives no receipt costs its time, then the contributor announces alone', async t => {
  const server = await contributor(t, [registered], { timeouts: { receipt: 200, unsettled: 200 } })
  const user = await participant(t, ['user'])
  let goOn = (): void => {}
  const waiting = new Promise<void>(resolve => (goOn = resolve))
  const jobs = inlineUserJobs({ kernel, manifest, random })
  const adapter = await remote(user, server, {
    manifest,
    jobs: { ...jobs, verify: bundle => waiting.then(() => jobs.verify(bundle)) }
  })
  await adapter.deltas(row)
  const finished = t.throwsAsync(adapter.finish(), { message: /timeout/ })
  const record = async () => (await server.store.sessions.list())[0]!
  while ((await record()).error === null) await new Promise(resolve => setImmediate(resolve))
  t.is((await record()).error, "the user's receipt took longer than 0.2 s")
  while ((await record()).state !== 'announced') await new Promise(resolve => setImmediate(resolve))
  goOn()
  await finished
  t.deepEqual(server.counters.timeouts.all(), { receipt: 1, unsettled: 1 })
  const [feed] = await server.store.feeds.list()
  const announced = (await server.store.feeds.range(fromHex(feed!.feed), 0n, 10)).map(bytes => openAnnouncement(bytes).announcement)
  t.deepEqual(
    announced.map(({ statement, receipt }) => [statement.end, receipt]),
    [[1, null]]
  )
})
