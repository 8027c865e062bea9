/** Gossip of those who forge, replay and flood, between real nodes: who announces in its own name goes on. */
import test, { type ExecutionContext } from 'ava'
import { concat, u32, u64 } from '../../src/bytes.js'
import { hash } from '../../src/kernel/hash.js'
import { NET_LIMITS } from '../../src/limits.js'
import { type Heard, TOPICS, topicOf } from '../../src/net/index.js'
import { publicKeyOf } from '../../src/proof/index.js'
import { bytes32, make, type MakeOptions, OWNER, signAnnouncement, unsigned } from '../net/announcements.js'
import { connect, event, mesh, startNode, type TestNode } from '../net/nodes.js'
import { OWNER_SECRET, register } from '../proof/fixture.js'
import { activations, contributor, participant, type Participant, remote } from './people.js'

const registered = register('gossip attacks')
const { manifest } = registered
const TOPIC = topicOf(manifest.base)
/** What is of the victim's adapter. */
const OF_VICTIM = { adapter: manifest.id, base: manifest.base, contributorKey: publicKeyOf(OWNER_SECRET) }
/** Bytes of a statement; two flags follow, and the time. */
const STATEMENT = 301
const now = (): bigint => BigInt(Date.now())

interface Scene {
  readonly victim: TestNode
  readonly here: TestNode
  /** Accepted here. */
  readonly heard: Heard[]
  /** Resolves when so many messages have come here, whatever became of them. */
  came(count: number): Promise<void>
  /** Somebody who is connected to it, and to others. */
  attacker(...others: readonly Participant[]): Promise<(data: Uint8Array, topic?: string) => Promise<void>>
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const [victim, here] = await Promise.all([startNode(t), startNode(t)])
  await mesh(victim, here, TOPIC)
  await here.store.manifests.put(manifest)
  const heard: Heard[] = []
  here.net.announce.listen(one => heard.push(one))
  const { counters } = here.net.announce
  const all = (): number =>
    [counters.ignored, counters.rejected].flatMap(counts => Object.values(counts)).reduce((a, b) => a + b, counters.accepted)
  return {
    victim,
    here,
    heard,
    async came(count) {
      while (all() < count) await new Promise(resolve => setTimeout(resolve, 5))
    },
    async attacker(...others) {
      const node = await startNode(t, { roles: [] })
      const { pubsub } = node.net.node.services
      for (const other of [here, ...others]) {
        const subscribed = event(pubsub, 'subscription-change', () => true)
        await connect(node, other)
        await subscribed
      }
      return async (data, topic = TOPIC) => void (await pubsub.publish(topic, data))
    }
  }
}

async function announce({ net }: TestNode): Promise<void> {
  await net.announce.announce(unsigned({ statement: OF_VICTIM, change: { time: now() } }), OWNER_SECRET)
}

/** The victim's feed, told by somebody who has not its key. */
const forged = (index: number): Uint8Array => {
  const statement = { ...OF_VICTIM, digest: hash('forged', u32(index)) }
  const change = { time: now(), index: BigInt(index + 1), previous: bytes32(index + 1) }
  return signAnnouncement(unsigned({ statement, change, user: null }), OWNER)
}

test('forged announcements in a victim’s name leave its rate open, and their sender is not listened to any more', async t => {
  const { victim, here, heard, came, attacker } = await scene(t)
  const say = await attacker()
  // More than a feed may have in a minute.
  const count = NET_LIMITS.announcementsPerFeed + 10
  for (let n = 0; n < count; n++) await say(forged(n))
  await came(count)
  const { rejected, ignored } = here.net.announce.counters
  t.deepEqual(Object.keys({ ...rejected, ...ignored }).sort(), ['signature', 'signature checks of the peer'])
  t.true(rejected.signature! >= 9 && ignored['signature checks of the peer']! >= 5)
  // Gossipsub looks at a peer's score once a second.
  await new Promise(resolve => setTimeout(resolve, 1100))
  for (let n = count; n < 2 * count; n++) await say(forged(n))
  for (let n = 0; n < 3; n++) await announce(victim)
  while (heard.length < 3) await new Promise(resolve => setTimeout(resolve, 5))
  t.deepEqual(
    heard.map(({ read }) => read.announcement.index),
    [0n, 1n, 2n]
  )
  t.is(rejected.signature! + ignored['signature checks of the peer']!, count, 'the others were not looked at')
})

test('an announcement that was brought on another topic first is heard on its own', async t => {
  const { victim, here, heard, came, attacker } = await scene(t)
  const say = await attacker()
  const read = await victim.store.feeds.append(OF_VICTIM, place =>
    signAnnouncement(unsigned({ statement: OF_VICTIM, change: { time: now(), ...place } }), OWNER_SECRET)
  )
  for (const topic of TOPICS.filter(topic => topic !== TOPIC).slice(0, 5)) await say(read.bytes, topic)
  await came(5)
  t.deepEqual(here.net.announce.counters.rejected, { topic: 5 })
  await victim.net.announce.publish(read)
  await came(6)
  t.deepEqual(
    heard.map(({ read: { bytes } }) => bytes),
    [read.bytes]
  )
})

test('unknown adapters by the hundred pass through their own small budget, a known one beside them', async t => {
  const { victim, heard, came, attacker } = await scene(t)
  const of = (n: number): MakeOptions => ({
    contributor: hash('key', u32(n)),
    user: null,
    statement: { adapter: hash('adapter', u32(n)), base: manifest.base },
    change: { time: now() }
  })
  const many = Array.from({ length: 100 }, (_, n) => make(of(n)).bytes)
  const say = await attacker()
  const began = performance.now()
  for (const bytes of many) await say(bytes)
  await came(100)
  const seconds = (performance.now() - began) / 1000
  const passed = heard.length
  t.true(passed >= 1 && passed <= NET_LIMITS.unknownAdapterAnnouncements * (seconds + 1), `${passed} in ${seconds} s`)
  await announce(victim)
  await came(101)
  t.is(heard.length, passed + 1)
})

test('a flood of 1,000 messages a second costs its sender its hearing; sessions go on, and what is remembered is bounded', async t => {
  const { victim, here, heard, attacker } = await scene(t)
  // The contributor follows the topics itself, so the flood is for it, too.
  const server = await contributor(t, [registered], { roles: ['verifier'] })
  const session = await remote(await participant(t, ['user']), server, { manifest })
  const say = await attacker(server)
  const before = process.memoryUsage().arrayBuffers
  // Well-formed, each another, of yesterday: nothing in them is wrong by its bytes.
  const yesterday = now() - 86_400_000n
  const { bytes } = make({ user: null, statement: OF_VICTIM, change: { time: yesterday } })
  const time = STATEMENT + 2
  const another = (n: number): Uint8Array => concat([bytes.subarray(0, time), u64(yesterday - BigInt(n)), bytes.subarray(time + 8)])
  let [sent, isOver] = [0, false]
  const flood = (async () => {
    const began = performance.now()
    while (!isOver) {
      while (sent < performance.now() - began) await say(another(++sent))
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  })()
  for (let position = 0; position < 20; position++) {
    await session.deltas({ group: 0, position, rows: activations(1, manifest.groups[0]!.dIn, position) })
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  t.is((await session.finish()).state, 'announced')
  await announce(victim)
  while (heard.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  const { ignored, rejected } = here.net.announce.counters
  // Gossipsub looks at a peer's score once a second; then it is deaf for more than ten.
  const until = async (count: number): Promise<void> => {
    while (sent < count) await new Promise(resolve => setTimeout(resolve, 5))
  }
  await until(2500)
  const looked = ignored.clock!
  await until(sent + 500)
  t.true(looked > NET_LIMITS.gossipRefusedPerPeer)
  t.is(ignored.clock, looked)
  t.deepEqual(rejected, {})
  for (const { counters } of [here, server]) t.true(counters.limits.all().gossipRefusedPerPeer! > 0)
  const grown = process.memoryUsage().arrayBuffers - before
  t.true(grown < 2 * NET_LIMITS.gossipBytes, `${grown} bytes more are held`)
  isOver = true
  await flood
})
