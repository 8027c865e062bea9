/**
 * What libp2p decides by itself and tells of in its log only, counted where it is logged: gossip that is too long, a peer that does not
 * read the gossip it is sent, and streams for a version of our protocols that this node does not speak.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { Counters, LimitName } from '../counters.js'
import { OTHER_VERSION } from './versions.js'

const GOSSIPSUB = 'libp2p:gossipsub'
/** Of multistream-select, below that of each stream. */
const NEGOTIATION = 'mss:handle'
const NOT_SPOKEN = 'responded with "na" for "%s"'
/** Opened by users; that a peer fetches by another version is of no harm here. */
const SESSION_VERSION = /^\/zklora\/session\/\d{1,9}\.\d{1,9}\.\d{1,9}$/

/** By the name of gossipsub's error. */
const LIMIT_OF: Readonly<Record<string, LimitName>> = {
  InvalidDataLengthError: 'gossipRpcBytes',
  StreamBufferError: 'gossipOutboundBytes'
}

/** The same logger, counted. */
export function countingLogger(logger: ComponentLogger, counters: Counters): ComponentLogger {
  const told = logger.forComponent('zklora:session')
  const onSessionVersion = (protocol: string): void => {
    counters.refused.add(OTHER_VERSION)
    told('a peer asked for %s, which this node does not speak: one of the two has to be updated', protocol)
  }
  return {
    forComponent(name): Logger {
      const log = logger.forComponent(name)
      return name === GOSSIPSUB ? gossip(log, counters) : negotiations(log, onSessionVersion)
    }
  }
}

function gossip(log: Logger, { limits }: Counters): Logger {
  const tell = log.error
  const error = (...given: Parameters<typeof tell>): void => {
    const limit = given.map(each => LIMIT_OF[(each as Partial<Error> | undefined)?.name ?? '']).find(found => found !== undefined)
    if (limit !== undefined) limits.add(limit)
    tell(...given)
  }
  return Object.assign(log, { error: Object.assign(error, tell) })
}

function negotiations(log: Logger, onSessionVersion: (protocol: string) => void): Logger {
  const scope = log.newScope
  const newScope = (name: string): Logger => {
    const scoped = negotiations(scope(name), onSessionVersion)
    if (name !== NEGOTIATION) return scoped
    const tell = (formatter: unknown, ...given: unknown[]): void => {
      if (formatter === NOT_SPOKEN && SESSION_VERSION.test(String(given[0]))) onSessionVersion(String(given[0]))
      scoped(formatter, ...given)
    }
    return Object.assign(tell, scoped)
  }
  return Object.assign(log, { newScope })
}
