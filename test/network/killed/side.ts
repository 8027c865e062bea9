/**
 * One side of a session as a process of its own, on a store on the disk, that kills itself (SIGKILL) as soon as something has been
 * written for the n-th time: `node side.js contributor|user FOLDER KEY POINT N [MULTIADDR]`.
 */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import type { ExecutionContext } from 'ava'
import { fromHex } from '../../../src/bytes.js'
import { openDatastore } from '../../../src/roles/platform.js'
import { endStaleSessions } from '../../../src/roles/session-entry.js'
import { contributor, participant } from '../people.js'
import { converse, registered } from './session.js'
import { killed, watch } from './watched.js'

const [role, folder, key, point, times, address] = process.argv.slice(2) as [string, string, string, string, string, string?]
let left = Number(times)

watch({
  done: async what => {
    if (what === point && --left === 0) await killed()
  }
})

const t = { teardown: () => {} } as unknown as ExecutionContext
const at = { datastore: await openDatastore(folder), privateKey: privateKeyFromRaw(fromHex(key)) as never }
if (role === 'contributor') {
  const { net, store } = await contributor(t, [registered], { at })
  await endStaleSessions(store)
  console.log(net.node.getMultiaddrs()[0]!.toString())
} else {
  const user = await participant(t, ['user'], {}, at)
  const { remotePeer } = await user.net.node.dial(multiaddr(address))
  await converse(user, remotePeer)
}
