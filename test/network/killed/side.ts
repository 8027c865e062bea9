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
import { Budget } from '../../../src/store/budget.js'
import { Bundles } from '../../../src/store/bundles.js'
import { Feeds } from '../../../src/store/feeds.js'
import { Journals } from '../../../src/store/journals.js'
import { contributor, participant } from '../people.js'
import { converse, registered } from './session.js'

const [role, folder, key, point, times, address] = process.argv.slice(2) as [string, string, string, string, string, string?]
let left = Number(times)

/** Something is on the disk. */
async function written(what: string): Promise<void> {
  if (what !== point || --left > 0) return
  process.kill(process.pid, 'SIGKILL')
  await new Promise(() => {})
}

const journalOf = Journals.prototype.of
Journals.prototype.of = function (session) {
  const journal = journalOf.call(this, session)
  return {
    ...journal,
    append: async record => {
      await journal.append(record)
      await written(record.kind)
    },
    proved: async (statement, options) => {
      await journal.proved(statement, options)
      await written('proved')
    }
  }
}
for (const method of ['putOwn', 'putVerified'] as const) {
  const put = Bundles.prototype[method] as (...given: unknown[]) => Promise<never>
  Bundles.prototype[method] = async function (...given: unknown[]) {
    const info = await put.apply(this, given)
    await written(method)
    return info
  }
}
const take = Budget.prototype.take
Budget.prototype.take = async function (params) {
  const taken = await take.call(this, params)
  await written('reserved')
  return taken
}
const append = Feeds.prototype.append
Feeds.prototype.append = async function (...given) {
  const read = await append.apply(this, given)
  await written('announcement')
  return read
}

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
