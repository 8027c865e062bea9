/** Connections that come in, counted by the host they come from, and guarded until they are encrypted. */
import type { Connection, ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import { toHex } from '../../bytes.js'
import type { Counters } from '../../counters.js'
import { NET_LIMITS } from '../../limits.js'
import { Negotiation } from './framing.js'
import { boundUnsent, watchIncoming } from './watch.js'

const ENCRYPTER = '/noise'
const CODE_IP6 = 41
/** Bytes of an IPv6 network: one customer has all of it. */
const IP6_NETWORK_BYTES = 8

interface Counts {
  pending: number
  all: number
}

/** What a host is told apart by: an IPv4 address, an IPv6 network; the whole address where there is neither. */
export function hostOf({ remoteAddr }: Pick<Connection | MultiaddrConnection, 'remoteAddr'>): string {
  const { bytes } = remoteAddr
  return toHex(bytes.subarray(0, 1 + (bytes[0] === CODE_IP6 ? IP6_NETWORK_BYTES : 4)))
}

function guard(connection: MultiaddrConnection, counters: Counters | undefined): void {
  boundUnsent(connection, NET_LIMITS.connectionUnsentBytes, counters)
  const negotiation = new Negotiation(protocol => protocol === ENCRYPTER)
  watchIncoming(connection, bytes => negotiation.feed(bytes) !== undefined, counters)
}

/**
 * The gater of connections: one host cannot take all places of those whose handshake is under way (libp2p has ten, for ten seconds each),
 * nor all places there are.
 * @param init `privateAddresses` as of the node: many nodes of one address are many machines behind it, or a test
 */
export function guardConnections({
  privateAddresses,
  counters
}: {
  privateAddresses?: boolean | undefined
  counters?: Counters | undefined
}): ConnectionGater {
  const hosts = new Map<string, Counts>()
  const pending = new WeakMap<MultiaddrConnection, () => void>()
  const factor = privateAddresses === true ? NET_LIMITS.privateHostFactor : 1
  return {
    denyInboundConnection(connection) {
      const host = hostOf(connection)
      const counts = hosts.get(host) ?? { pending: 0, all: 0 }
      const isPendingFull = counts.pending >= NET_LIMITS.handshakesPerHost * factor
      if (isPendingFull || counts.all >= NET_LIMITS.connectionsPerHost * factor) {
        counters?.limits.add(isPendingFull ? 'handshakesPerHost' : 'connectionsPerHost')
        return true
      }
      hosts.set(host, counts)
      counts.pending++
      counts.all++
      const upgraded = (): void => {
        if (pending.delete(connection)) counts.pending--
      }
      pending.set(connection, upgraded)
      connection.addEventListener('close', () => {
        upgraded()
        if (--counts.all === 0) hosts.delete(host)
      })
      guard(connection, counters)
      return false
    },
    denyInboundUpgradedConnection(_peer, connection) {
      pending.get(connection)?.()
      return false
    },
    denyOutboundConnection(_peer, connection) {
      guard(connection, counters)
      return false
    }
  }
}
