/** Who serves what: lookups in the DHT made into what people are shown, and references such as `ID@PEER` made into a peer and a manifest. */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { equal, fromHex, toHex } from '../bytes.js'
import type { Counters } from '../counters.js'
import { InvalidInputError, NotFoundError } from '../errors.js'
import { TIMEOUTS } from '../limits.js'
import { withSignals } from '../signals.js'
import type { Lookup, Net } from '../net/index.js'
import type { VerifiedManifest } from '../proof/index.js'
import type { Store } from '../store/index.js'
import type { ServedAdapter } from '../wire/generated/fetch.js'
import type { BaseModelName } from './base-model.js'
import { Gate } from './gate.js'
import { adapterInfo } from '../browser/info.js'
import { NO_LIMIT } from './own-adapters.js'
import type { CallOptions, FindResult, FoundAdapter } from './types.js'
import { tokenCost } from './token-cost.js'
import type { Verifier } from './verifier.js'
import { isTimeout, timeLimit } from '../net/time-limit.js'
import { refuseConvicted, type Witness } from './witness.js'

/** Milliseconds for one ping. */
const PING_TIMEOUT = 3_000

/**
 * Milliseconds after the start in which "nobody" is asked for again: records of those who join at the same time are on their way,
 * and the DHT's first query of a node waits a second.
 */
const JOINING = 3_000
const AGAIN_AFTER = 250

/** Adapters looked at of one peer, whatever it names; manifests fetched at a time, of all peers: one can have 16 MiB. */
const ADAPTERS_OF_A_PEER = 32
const MANIFESTS_AT_ONCE = 8

const isIdentifier = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)
/** Whether an identifier, its beginning (8 digits at least), a name, or nothing at all means this adapter. */
const means = (wanted: string, { id, name }: { id: string; name: string }): boolean =>
  wanted === '' || wanted === name || wanted === id || (/^[0-9a-f]{8,63}$/.test(wanted) && id.startsWith(wanted))

/** In sentences. */
const called = (wanted: string): string => (wanted === '' ? 'an adapter' : `adapter ${wanted}`)

type Tried = Pick<FindResult, 'connected' | 'providersTried' | 'providersAnswered'>

const triedWords = ({ connected, providersTried, providersAnswered }: Tried): string[] => [
  `connected to ${connected} ${connected === 1 ? 'peer' : 'peers'}`,
  `${providersAnswered} of ${providersTried} providers answered`
]

const whatNow = ({ connected }: Tried): string =>
  connected === 0
    ? 'no first peer could be reached, so look at the address of --bootstrap and whether its node runs'
    : 'zklora find shows who is there'

export interface FinderInit {
  readonly net: Net
  readonly store: Store
  readonly verifier: Pick<Verifier, 'manifest'>
  readonly witness: Pick<Witness, 'against'>
  /** Of the node. */
  readonly counters?: Counters | undefined
  /** Whether there is anybody to join: without, and connected to nobody, a lookup is refused at once. */
  readonly hasBootstrap: boolean
}

/** An adapter at a contributor, with its verified manifest. */
export interface Located {
  readonly peer: PeerId
  readonly manifest: VerifiedManifest
  readonly info: FoundAdapter
  /** Who else serves it, when nobody was named: what the peer says of itself may be false. */
  readonly others?: readonly PeerId[]
}

/** Adapters of peers, and why others of theirs are left out. */
interface Search {
  readonly located: Located[]
  /** Sentences: the manifest is not to be had, or does not verify. */
  readonly omitted: string[]
}

/** What is wanted of an adapter's contributor. */
export interface Wanted {
  readonly base: BaseModelName
  /** Rows that it should be able to answer. */
  readonly rows: (located: Located) => number
  /** Also one against whom there is evidence. */
  readonly force?: boolean | undefined
}

export class Finder {
  private readonly joined = performance.now() + JOINING
  private readonly manifests = new Gate(MANIFESTS_AT_ONCE)

  constructor(private readonly init: FinderInit) {}

  /**
   * Contributors for a base model or of one adapter that answer.
   * @param base identifier
   * @param measure also how fast each sends: up to 256 KiB of each peer
   * @throws NotFoundError for an adapter's name or beginning that is not known here, without a base model to look under
   */
  async find(
    { base, adapter, measure = false }: { base?: Uint8Array | undefined; adapter?: string | undefined; measure?: boolean },
    options: CallOptions = {}
  ): Promise<FindResult & Search> {
    const lookup = await this.lookUp({ base, adapter }, options)
    options.onProgress?.({ type: 'find', tried: lookup.tried, answered: lookup.answered })
    const all = await Promise.all(lookup.found.map(({ peer, adapters }) => this.locateAll(peer, adapters, { ...options, measure })))
    const located = all
      .flatMap(each => each.located)
      .filter(
        ({ manifest, info }) =>
          (base === undefined || equal(manifest.base, base)) && (adapter === undefined || means(adapter, info.adapter))
      )
      .sort((a, b) => (a.info.roundTrip ?? Infinity) - (b.info.roundTrip ?? Infinity))
    return {
      found: located.map(({ info }) => info),
      elapsed: lookup.elapsed,
      connected: this.init.net.node.getPeers().length,
      providersTried: lookup.tried,
      providersAnswered: lookup.answered,
      located,
      omitted: all.flatMap(each => each.omitted)
    }
  }

  /**
   * The contributor and the manifest that a reference means: `ID`, a name or nothing (the only one), each also with `@PEER` or `@MULTIADDR`.
   * @throws NotFoundError, InvalidInputError with what to do, also when there is evidence against all who are meant
   */
  async resolve(reference: string, { base, rows, force }: Wanted, options: CallOptions = {}): Promise<Located> {
    const at = reference.indexOf('@')
    const wanted = at < 0 ? reference : reference.slice(0, at)
    const located =
      at < 0
        ? await this.choose(wanted, { base, rows, force }, options)
        : await this.atPeer({ wanted, base }, reference.slice(at + 1), options)
    const { manifest } = located
    if (!equal(manifest.base, base.id)) {
      throw new InvalidInputError(
        `adapter ${manifest.name} is for the base model ${manifest.baseName} (${toHex(manifest.base).slice(0, 12)}…), not for ${base.name} (${toHex(base.id).slice(0, 12)}…)`
      )
    }
    if (force !== true) refuseConvicted(this.init.witness, manifest.owner)
    return located
  }

  private async lookUp(
    { base, adapter }: { base?: Uint8Array | undefined; adapter?: string | undefined },
    { signal }: CallOptions
  ): Promise<Lookup> {
    const { discovery, node } = this.init.net
    if (!this.init.hasBootstrap && node.getPeers().length === 0) {
      throw new NotFoundError('this node is connected to nobody: give the address of a peer (--bootstrap, or "bootstrap" in the config)')
    }
    const ask = await this.question({ base, adapter })
    const began = performance.now()
    for (;;) {
      const lookup = await ask(discovery, { signal })
      if (lookup.tried > 0 || performance.now() > this.joined) return { ...lookup, elapsed: performance.now() - began }
      await new Promise(resolve => setTimeout(resolve, AGAIN_AFTER))
    }
  }

  private async question({
    base,
    adapter
  }: {
    base?: Uint8Array | undefined
    adapter?: string | undefined
  }): Promise<(discovery: Net['discovery'], options: { signal?: AbortSignal | undefined }) => Promise<Lookup>> {
    const one = (id: string) => (discovery: Net['discovery'], options: { signal?: AbortSignal | undefined }) =>
      discovery.findAdapter(fromHex(id), options)
    if (adapter !== undefined && isIdentifier(adapter)) return one(adapter)
    if (base !== undefined) return (discovery, options) => discovery.findContributors(base, options)
    // Not for a name under a base model: the adapter may have been registered anew since.
    const id = await this.knownIdentifier(adapter)
    if (id !== undefined) return one(id)
    throw new NotFoundError(`adapter ${adapter} is not known here: give its whole identifier, or the base model to look under (--base)`)
  }

  /** Of an adapter whose manifest is kept here. */
  private async knownIdentifier(wanted: string | undefined): Promise<string | undefined> {
    if (wanted === undefined) return undefined
    const kept = (await this.init.store.manifests.list()).filter(info => means(wanted, info))
    return kept.length === 1 ? kept[0]!.id : undefined
  }

  /** The best of those that the DHT names: open to everybody before listed, with rows enough, the nearest. */
  private async choose(wanted: string, { base, rows, force }: Wanted, options: CallOptions): Promise<Located> {
    const lookup = isIdentifier(wanted) ? { adapter: wanted } : { base: base.id, adapter: wanted }
    const { located: found, omitted, elapsed, ...counted } = await this.find(lookup, options)
    const trusted = found.filter(({ info }) => info.evidence === null)
    const located = force === true || trusted.length === 0 ? found : trusted
    if (located.length === 0) {
      const tried = [...triedWords(counted), ...omitted].join('; ')
      throw new NotFoundError(
        `nobody was found in ${(elapsed / 1000).toFixed(1)} s who serves ${called(wanted)} for ${base.name} (${tried}): ${whatNow(counted)}`
      )
    }
    const identifiers = new Set(located.map(({ info }) => info.adapter.id))
    if (identifiers.size > 1) throw new InvalidInputError(`${called(wanted)} may be ${[...identifiers].join(' or ')}: give the identifier`)
    const enough = (each: Located): boolean => (each.info.rowsLeft === null || each.info.rowsLeft > 0) && each.info.maxRows >= rows(each)
    const inOrder = [...located.filter(each => enough(each) && !each.info.listedOnly), ...located.filter(enough), ...located]
    const others = [...new Set(inOrder.map(({ peer }) => peer))].slice(1)
    return { ...inOrder[0]!, others }
  }

  private async atPeer({ wanted, base }: { wanted: string; base: BaseModelName }, where: string, options: CallOptions): Promise<Located> {
    const { net } = this.init
    const peer = await this.reach(where, options)
    const served = await net.fetch.adapters(peer, null, { signal: options.signal })
    const all = await this.locateAll(
      peer,
      served.filter(({ adapter }) => !isIdentifier(wanted) || toHex(adapter) === wanted),
      options
    )
    // Without a name only those for this base model can be meant.
    const found = all.located.filter(
      ({ info, manifest }) => means(wanted, info.adapter) && (wanted !== '' || equal(manifest.base, base.id))
    )
    if (found.length === 1) return found[0]!
    const what =
      found.length === 0
        ? `does not serve ${called(wanted)}`
        : `serves several adapters${wanted === '' ? '' : ` ${wanted}`}: give the identifier`
    const names = all.located.map(({ info }) => `it serves ${info.adapter.name}`)
    throw new NotFoundError([`peer ${peer.toString()} ${what}`, ...names, ...all.omitted].join('; '))
  }

  /** Connects to a peer by identifier or address. */
  private async reach(where: string, { signal }: CallOptions): Promise<PeerId> {
    const { node } = this.init.net
    try {
      const to = where.startsWith('/') ? multiaddr(where) : peerIdFromString(where)
      return (await withSignals([timeLimit(TIMEOUTS.dial), signal], within => node.dial(to, { signal: within }))).remotePeer
    } catch (cause) {
      signal?.throwIfAborted()
      if (isTimeout(cause)) this.init.counters?.timeouts.add('dial')
      throw new NotFoundError(
        `peer ${where} cannot be reached: ${(cause as Error).message}; is the address right, and does its node run?`,
        { cause }
      )
    }
  }

  /** What is shown of the adapters of a peer, without those whose manifest is not to be had or does not verify. */
  private async locateAll(
    peer: PeerId,
    served: readonly ServedAdapter[],
    { signal, measure = false }: CallOptions & { measure?: boolean }
  ): Promise<Search> {
    const { net, verifier } = this.init
    const omitted: string[] = []
    const roundTrip = await this.ping(peer, signal)
    if (served.length > ADAPTERS_OF_A_PEER) {
      omitted.push(`peer ${peer.toString()} names ${served.length} adapters, the first ${ADAPTERS_OF_A_PEER} are looked at`)
    }
    const located = served.slice(0, ADAPTERS_OF_A_PEER).map(async ({ adapter, rowsLeft, listedOnly, maxRows }): Promise<Located | null> => {
      try {
        const manifest = await this.manifests.run(async () => {
          signal?.throwIfAborted()
          return verifier.manifest(adapter, [peer], signal)
        })
        const info: FoundAdapter = {
          adapter: adapterInfo(manifest),
          peer: peer.toString(),
          multiaddrs: net.node.getConnections(peer).map(({ remoteAddr }) => remoteAddr.toString()),
          roundTrip,
          tokenCost: tokenCost(manifest, { roundTrip, transfer: null }),
          rowsLeft: rowsLeft === NO_LIMIT ? null : rowsLeft,
          listedOnly,
          maxRows,
          verifiedSessions: await this.verifiedSessions(manifest.id),
          evidence: this.init.witness.against(manifest.owner)?.id ?? null
        }
        return { peer, manifest, info }
      } catch (error) {
        signal?.throwIfAborted()
        omitted.push(`adapter ${toHex(adapter).slice(0, 12)}… of peer ${peer.toString()} is left out: ${(error as Error).message}`)
        return null
      }
    })
    const all = (await Promise.all(located)).filter(each => each !== null)
    if (measure) await this.measure(peer, all, signal)
    return { located: all, omitted }
  }

  /** Adds how fast a peer sends, by the longest manifest of it that was found; where it cannot be had the costs stay as they are. */
  private async measure(peer: PeerId, located: readonly Located[], signal: AbortSignal | undefined): Promise<void> {
    const [longest] = [...located].sort((a, b) => b.manifest.bytes.length - a.manifest.bytes.length)
    if (longest === undefined) return
    try {
      const transfer = await this.manifests.run(() => this.init.net.fetch.rate(peer, longest.manifest.id, { signal }))
      for (const { info, manifest } of located) info.tokenCost = tokenCost(manifest, { roundTrip: info.roundTrip, transfer })
    } catch {
      signal?.throwIfAborted()
    }
  }

  /** Milliseconds; libp2p's own figure is in whole ones. */
  private async ping(peer: PeerId, signal: AbortSignal | undefined): Promise<number | null> {
    const began = performance.now()
    try {
      await withSignals([timeLimit(PING_TIMEOUT), signal], within => this.init.net.node.services.ping.ping(peer, { signal: within }))
      return performance.now() - began
    } catch {
      return null
    }
  }

  private async verifiedSessions(adapter: Uint8Array): Promise<number> {
    const id = toHex(adapter)
    const valid = (await this.init.store.bundles.list()).filter(bundle => bundle.valid && bundle.adapter === id)
    return new Set(valid.map(({ session }) => session)).size
  }
}
