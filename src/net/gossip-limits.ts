/**
 * Limits that gossipsub holds by itself and tells of only in its log: a message that is too long, and a peer that does not read what it is
 * sent. Counted where they are logged.
 */
import type { ComponentLogger, Logger } from '@libp2p/interface'
import type { Counters, LimitName } from '../counters.js'

const GOSSIPSUB = 'libp2p:gossipsub'

/** By the name of the error. */
const LIMIT_OF: Readonly<Record<string, LimitName>> = {
  InvalidDataLengthError: 'gossipRpcBytes',
  StreamBufferError: 'gossipOutboundBytes'
}

/** The same logger, with what gossipsub's says counted. */
export function countingGossip(logger: ComponentLogger, { limits }: Counters): ComponentLogger {
  return {
    forComponent(name): Logger {
      const log = logger.forComponent(name)
      if (name !== GOSSIPSUB) return log
      const tell = log.error
      const error = (...given: Parameters<typeof tell>): void => {
        const limit = given.map(each => LIMIT_OF[(each as Partial<Error> | undefined)?.name ?? '']).find(found => found !== undefined)
        if (limit !== undefined) limits.add(limit)
        tell(...given)
      }
      return Object.assign(log, { error: Object.assign(error, tell) })
    }
  }
}
