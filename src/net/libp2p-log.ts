/**
 * What libp2p decides by itself and tells of in its log only, counted where it is logged: gossip that is too long, a peer that does not
 * read the gossip it is sent, and connections for which there was no place.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { Counters, LimitName } from '../counters.js'

/** By the name of gossipsub's error. */
const GOSSIP: Readonly<Record<string, LimitName>> = { InvalidDataLengthError: 'gossipRpcBytes', StreamBufferError: 'gossipOutboundBytes' }
const NO_PLACE = 'connection from %a refused - incomingPendingConnections exceeded by host'

type Tell = (...given: Parameters<Logger>) => void

/** The same logger, counted. */
export function countingLogger(logger: ComponentLogger, { limits }: Counters): ComponentLogger {
  return {
    forComponent(name): Logger {
      const log = logger.forComponent(name)
      switch (name) {
        case 'libp2p:gossipsub':
          return Object.assign(log, { error: heard(log.error, given => given.map(nameOf).find(limit => limit !== undefined)) })
        case 'libp2p:connection-manager':
          return heard(log, ([words]) => (words === NO_PLACE ? 'handshakes' : undefined))
        default:
          return log
      }
    }
  }

  function heard<T extends Tell>(tell: T, limitOf: (given: readonly unknown[]) => LimitName | undefined): T {
    const telling: Tell = (...given) => {
      const limit = limitOf(given)
      if (limit !== undefined) limits.add(limit)
      tell(...given)
    }
    return Object.assign(telling, tell)
  }
}

function nameOf(given: unknown): LimitName | undefined {
  return GOSSIP[(given as Partial<Error> | undefined)?.name ?? '']
}
