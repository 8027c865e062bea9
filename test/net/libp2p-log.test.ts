import test from 'ava'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Logger } from '@libp2p/interface'
import { MemoryDatastore } from 'datastore-core'
import { Counters } from '../../src/counters.js'
import { countingLogger } from '../../src/net/libp2p-log.js'
import { createNetNode } from '../../src/net/node.js'
import { nodeTransports } from '../../src/roles/platform.js'

/** What was logged, by component. */
function logger(lines: unknown[][]) {
  const log = (name: string): Logger => {
    const tell = (...given: unknown[]): number => lines.push([name, ...given])
    return Object.assign(tell, {
      error: (...given: unknown[]) => lines.push([`${name}:error`, ...given]),
      trace: tell,
      enabled: true,
      newScope: log
    })
  }
  return { forComponent: log }
}

test('what gossipsub and the connection manager log of limits is counted, and logged as before', t => {
  const [counters, lines] = [new Counters(), [] as unknown[][]]
  const counting = countingLogger(logger(lines), counters)
  const gossip = counting.forComponent('libp2p:gossipsub')
  const tooLong = Object.assign(new Error('too long'), { name: 'InvalidDataLengthError' })
  gossip.error(tooLong)
  gossip.error('another', undefined, new Error('of another name'))
  gossip('not an error', tooLong)
  counting.forComponent('libp2p:kad-dht').error(tooLong)
  t.deepEqual(counters.limits.all(), { gossipRpcBytes: 1 })
  t.is(lines.length, 4)
  t.deepEqual(lines[0], ['libp2p:gossipsub:error', tooLong])
})

test('a connection for which there is no place among the handshakes is counted', async t => {
  const [counters, lines] = [new Counters(), [] as unknown[][]]
  const node = await createNetNode({
    privateKey: await generateKeyPair('Ed25519'),
    datastore: new MemoryDatastore(),
    transports: nodeTransports(),
    listen: [],
    version: '0.0.0',
    roles: [],
    logger: logger(lines),
    counters
  })
  // libp2p's own connection manager, as if all were taken.
  const { connectionManager } = (node as unknown as { components: { connectionManager: Taken } }).components
  connectionManager.incomingPendingConnections = connectionManager.maxIncomingPendingConnections
  t.false(connectionManager.acceptIncomingConnection({}))
  t.deepEqual(counters.limits.all(), { handshakes: 1 })
  t.is(lines.filter(([name]) => name === 'libp2p:connection-manager').length, 1)
})

interface Taken {
  incomingPendingConnections: number
  maxIncomingPendingConnections: number
  acceptIncomingConnection(connection: object): boolean
}
