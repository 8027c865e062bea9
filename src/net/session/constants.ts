import { NET_LIMITS } from '../../limits.js'

export { SESSION_PROTOCOL } from '../../proof/index.js'

/** libp2p resets what is above it: twice what is served, so that who is refused is told. */
export const MAX_INBOUND_STREAMS = 2 * NET_LIMITS.sessionsPerPeer
/** Sessions opened here on one connection: a user with many adapters of one contributor. */
export const MAX_OUTBOUND_STREAMS = NET_LIMITS.sessions
