/** What a node that has been up for hours still knows of others: the clock of this process is put forward. */
import test from 'ava'
import { type NetInit, roleKey } from '../../src/net/index.js'
import { event, startNode } from '../net/nodes.js'
import { bytes32 } from '../net/announcements.js'

const HOUR = 60 * 60 * 1000
const BASE = bytes32(9)
const catalogue = (async () => [{ adapter: bytes32(1), base: BASE, rowsLeft: 5, listedOnly: false, maxRows: 9 }]) as NetInit['catalogue']

test('a contributor is found as long as its record is kept, also hours after anybody told its addresses', async t => {
  const now = Date.now.bind(Date)
  t.teardown(() => (Date.now = now))
  const bootstrap = await startNode(t, { roles: ['bootstrap'] })
  const joined = async (role: string): ReturnType<typeof startNode> => {
    const node = await startNode(t, {
      roles: [role],
      bootstrap: [bootstrap.address],
      catalogue
    })
    if (node.net.node.getPeers().length === 0) await event(node.net.node, 'peer:connect', () => true)
    return node
  }
  const contributor = await joined('contributor')
  contributor.net.discovery.provide(roleKey('contributor', BASE))
  await contributor.net.discovery.settled()
  for (const hours of [2, 11, 30]) {
    Date.now = () => now() + hours * HOUR
    const { found } = await (await joined('user')).net.discovery.findContributors(BASE)
    t.deepEqual(
      found.map(({ peer }) => peer.toString()),
      [contributor.net.node.peerId.toString()],
      `after ${hours} hours`
    )
  }
})
