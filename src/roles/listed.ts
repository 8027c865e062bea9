/** Whom an adapter is served to, and how many rows of it. */
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { Delegation } from '../proof/index.js'
import { credentialKey, type Open, type Peers } from '../session/index.js'
import type { AdapterPolicy } from '../store/index.js'

/** The peer itself is listed, or a listed one speaks for its session key. @throws MalformedMessageError for a credential that is none */
export function isListed(
  { allow }: Pick<AdapterPolicy, 'allow'>,
  { open, peers, peer }: { readonly open: Open; readonly peers: Peers; readonly peer: string }
): boolean {
  const key = credentialKey(open, peers.contributor)
  const shown = key === undefined ? undefined : peerIdFromPublicKey(publicKeyFromRaw(key)).toString()
  return allow.includes(peer) || (shown !== undefined && allow.includes(shown))
}

/** Rows of each group that may be answered: by the policy, and for a replica by its owner's delegation; null: no limit. */
export function limitOf({
  policy,
  delegation
}: {
  readonly policy: Pick<AdapterPolicy, 'limitRows'>
  readonly delegation?: Delegation | undefined
}): number | null {
  const share = delegation === undefined ? Infinity : Number(delegation.share)
  const least = Math.min(policy.limitRows ?? Infinity, share)
  return least === Infinity ? null : least
}
