/**
 * Guards between the network and js-libp2p, for what a hostile peer can do to it and no setting of it bounds. Each looks at bytes as they
 * arrive and ends the stream or connection that goes too far.
 */
export { guardConnections } from './connections.js'
export { Room, type RoomNode } from './room.js'
export { guardEncrypted, guardStreams } from './streams.js'
