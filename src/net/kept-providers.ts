/**
 * Bounds for what kad-dht keeps for others, where it has none: provider records (it takes as many as anybody sends), the addresses told
 * with them, and records whose peer is forgotten (one of them made every answer for its key an error).
 */
import type { PeerStore } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Datastore, Key, type Pair, type Query } from 'interface-datastore'
import type { Counters } from '../counters.js'
import { NET_LIMITS } from '../limits.js'

/** kad-dht's: `/dht/provider/KEY/PEER`. */
export const PROVIDER_PREFIX = '/dht/provider/'
/** Of all records this share goes at once, since finding the peers that have most costs a walk over all of them. */
const SHARE = 64

type Limits = Readonly<Record<'providerRecords' | 'providerRecordsPerPeer' | 'providerRecordsPerKey', number>>

interface Components {
  readonly datastore: Datastore
  readonly peerStore: PeerStore
  readonly peerId: { toString(): string }
}

const partsOf = (record: string): [key: string, peer: string] => record.slice(PROVIDER_PREFIX.length).split('/') as [string, string]

/** A datastore whose provider records are bounded; everything else goes through. Own records are what this node wants to provide: never let go. */
export class KeptProviders {
  /** Records in the order in which they were told, by peer and by key. */
  private readonly byPeer = new Map<string, Set<string>>()
  private readonly byKey = new Map<string, Set<string>>()
  private count = 0
  private loading: Promise<void> | undefined

  constructor(
    private readonly components: Components,
    private readonly limits: Limits = NET_LIMITS,
    private readonly counters?: Counters
  ) {}

  async put(key: Key, value: Uint8Array, options?: object): Promise<Key> {
    const record = key.toString()
    if (this.isBounded(record)) {
      await (this.loading ??= this.load())
      this.forget(record)
      const tooMany = this.tooMany(record)
      this.note(record)
      for (const other of tooMany) this.forget(other)
      for (const other of tooMany) await this.inner.delete(new Key(other), options)
    }
    return this.inner.put(key, value, options)
  }

  async delete(key: Key, options?: object): Promise<void> {
    this.forget(key.toString())
    return this.inner.delete(key, options)
  }

  /** Without the records of peers that are not known any more: nobody can be told where they are. */
  async *query(query: Query, options?: object): AsyncGenerator<Pair> {
    for await (const pair of this.inner.query(query, options)) {
      const record = pair.key.toString()
      if (this.isBounded(record) && !(await this.components.peerStore.has(peerIdFromString(partsOf(record)[1]))))
        await this.delete(pair.key)
      else yield pair
    }
  }

  private get inner(): Datastore {
    return this.components.datastore
  }

  private isBounded(record: string): boolean {
    return record.startsWith(PROVIDER_PREFIX) && !record.endsWith(`/${this.components.peerId.toString()}`)
  }

  private async load(): Promise<void> {
    for await (const key of this.inner.queryKeys({ prefix: PROVIDER_PREFIX })) {
      const record = key.toString()
      if (this.isBounded(record)) this.note(record)
    }
  }

  private note(record: string): void {
    const [key, peer] = partsOf(record)
    for (const [map, name] of [
      [this.byKey, key],
      [this.byPeer, peer]
    ] as const) {
      const records = map.get(name) ?? new Set()
      map.set(name, records.add(record))
    }
    this.count++
  }

  private forget(record: string): void {
    const [key, peer] = partsOf(record)
    if (this.byPeer.get(peer)?.delete(record) !== true) return
    this.byKey.get(key)!.delete(record)
    if (this.byPeer.get(peer)!.size === 0) this.byPeer.delete(peer)
    if (this.byKey.get(key)!.size === 0) this.byKey.delete(key)
    this.count--
  }

  /**
   * What goes when a record comes: the peer's oldest; one of the key's, whichever, so that newcomers can neither be kept out nor take the
   * place of all; of all, the oldest of those who have most.
   */
  private tooMany(record: string): string[] {
    const [key, peer] = partsOf(record)
    const own = this.byPeer.get(peer)
    if (own !== undefined && own.size >= this.limits.providerRecordsPerPeer) {
      this.counters?.limits.add('providerRecordsPerPeer')
      return [...own].slice(0, 1)
    }
    const same = this.byKey.get(key)
    if (same !== undefined && same.size >= this.limits.providerRecordsPerKey) {
      this.counters?.limits.add('providerRecordsPerKey')
      return [...same].slice(Math.floor(Math.random() * same.size)).slice(0, 1)
    }
    if (this.count < this.limits.providerRecords) return []
    const most = Math.ceil(this.limits.providerRecords / SHARE)
    const bySize = [...this.byPeer.values()].sort((one, other) => other.size - one.size)
    const gone: string[] = []
    for (const records of bySize) {
      gone.push(...[...records].slice(0, Math.max(1, records.size >> 1)).slice(0, most - gone.length))
      if (gone.length === most) break
    }
    this.counters?.limits.add('providerRecords', gone.length)
    return gone
  }
}

/** Addresses told with a record are added to those known, at most so many: identify alone replaces them. */
function boundedPeers(peerStore: PeerStore, most: number, counters: Counters | undefined): PeerStore['merge'] {
  return async (peer, data, options) => {
    if (data.multiaddrs === undefined) return peerStore.merge(peer, data, options)
    const known = (await peerStore.has(peer, options)) ? (await peerStore.get(peer, options)).addresses : []
    const have = new Set(known.map(({ multiaddr }) => multiaddr.toString()))
    const fresh = data.multiaddrs.filter(address => !have.has(address.toString()))
    const more = fresh.slice(0, Math.max(0, most - have.size))
    if (more.length < fresh.length) counters?.limits.add('addressesPerPeer')
    return peerStore.merge(peer, { ...data, multiaddrs: more }, options)
  }
}

/** An object that is another but for some of its members. */
function instead<Whole extends object>(whole: Whole, members: Partial<Record<keyof Whole, unknown>>): Whole {
  return new Proxy(whole, {
    get(target, name) {
      if (name in members) return members[name as keyof Whole]
      const member: unknown = target[name as keyof Whole]
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    }
  })
}

/** kad-dht with what it keeps bounded. @param factory of the service */
export function boundedKad<Service>(factory: (components: never) => Service, counters?: Counters): (components: Components) => Service {
  return components => {
    const { datastore, peerStore } = components
    const kept = new KeptProviders(components, NET_LIMITS, counters)
    const bounded = {
      datastore: instead(datastore, {
        put: kept.put.bind(kept),
        delete: kept.delete.bind(kept),
        query: kept.query.bind(kept)
      }),
      peerStore: instead(peerStore, { merge: boundedPeers(peerStore, NET_LIMITS.addressesPerPeer, counters) })
    }
    return factory(
      new Proxy(components, { get: (target, name) => bounded[name as 'datastore'] ?? target[name as keyof Components] }) as never
    )
  }
}
