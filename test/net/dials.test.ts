/** Peers that are not reached in time are counted, whoever dialled them. */
import test from 'ava'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { Counters } from '../../src/counters.js'
import { Discovery, TOPICS } from '../../src/net/index.js'
import { Rejoin } from '../../src/net/rejoin.js'
import { isTimeout } from '../../src/net/time-limit.js'
import { Finder } from '../../src/roles/finder.js'

const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
// As libp2p words it when the time of a dial is over.
const late = new Error('The operation was aborted due to timeout')

function node(error: Error) {
  return {
    peerId: peer,
    logger: defaultLogger(),
    addEventListener: () => {},
    removeEventListener: () => {},
    getPeers: () => [],
    dial: async () => {
      throw error
    },
    contentRouting: {
      findProviders: async function* () {
        yield { id: peerIdFromPrivateKey(await generateKeyPair('Ed25519')), multiaddrs: [] }
      }
    }
  }
}

test('what ended by a time is told from what failed otherwise, also when libp2p has wrapped it', t => {
  t.true(isTimeout(late))
  t.true(isTimeout(new DOMException('over', 'TimeoutError')))
  t.true(isTimeout(new AggregateError([new Error('ECONNREFUSED'), late])))
  for (const other of [new Error('ECONNREFUSED'), new AggregateError([new Error('ECONNREFUSED')]), {}]) t.false(isTimeout(other))
})

for (const [error, counted] of [
  [late, { dial: 1 }],
  [new Error('ECONNREFUSED'), {}]
] as const) {
  test(`a bootstrap node, a verifier and a named peer that are not reached: ${error.message}`, async t => {
    const bootstrap = new Counters()
    let again!: () => void
    const dialled = new Promise<void>(resolve => (again = resolve))
    const once = { ...node(error), getPeers: () => (bootstrap.timeouts.all().dial === 1 ? ['somebody'] : []) }
    const dial = once.dial
    once.dial = async () => {
      queueMicrotask(again)
      return dial()
    }
    const rejoin = new Rejoin(once, [`/ip4/127.0.0.1/tcp/1/p2p/${peer}`], 1, bootstrap)
    rejoin.start()
    await dialled
    await new Promise(resolve => setImmediate(resolve))
    rejoin.stop()
    t.deepEqual(bootstrap.timeouts.all(), counted)

    const topic = new Counters()
    const discovery = new Discovery(node(error) as never, undefined, topic)
    t.deepEqual(await discovery.joinTopic(TOPICS[0]!), [])
    t.deepEqual(topic.timeouts.all(), counted)

    const named = new Counters()
    const finder = new Finder({ net: { node: node(error) }, counters: named } as never)
    const wanted = { base: { id: new Uint8Array(32), name: 'model' }, rows: () => 1, force: false }
    await t.throwsAsync(finder.resolve(`name@/ip4/127.0.0.1/tcp/1/p2p/${peer}`, wanted as never), {
      name: 'NotFoundError',
      message: new RegExp(`cannot be reached: ${error.message}`)
    })
    t.deepEqual(named.timeouts.all(), counted)
  })
}
