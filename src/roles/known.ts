/** Sessions and bundles that this node knows of: exported as proof files, and verified again. */
import { fromHex } from '../bytes.js'
import { InvalidInputError, isPeerError, NotFoundError } from '../errors.js'
import { encodeProofFile } from '../proof/index.js'
import { keptManifest, type Store } from '../store/index.js'
import type { CallOptions, VerifyReport } from './types.js'
import type { Verifier } from './verifier.js'
import type { FileCheck } from './workers.js'
import { unchecked } from '../browser/verify-file.js'

export interface KnownInit {
  readonly store: Store
  readonly verifyFile: FileCheck
  readonly verifier: Pick<Verifier, 'manifest' | 'bundle'>
}

/** The bundles of a session, by their digests, in the order of their rows. */
interface Known {
  readonly session: string
  readonly adapter: string
  readonly digests: readonly string[]
}

export class KnownProofs {
  constructor(private readonly init: KnownInit) {}

  /**
   * The proof file of a session whose bundles are kept here.
   * @param id root, digest or session, or at least 8 digits of one
   * @throws NotFoundError, InvalidInputError
   */
  async exportProof(id: string): Promise<Uint8Array> {
    const { session, adapter, digests } = await this.find(id)
    const manifest = await keptManifest(this.init.store, fromHex(adapter))
    const bundles = await Promise.all(digests.map(digest => this.init.store.bundles.get(fromHex(digest))))
    if (manifest === undefined || bundles.some(bundle => bundle === undefined)) {
      throw new NotFoundError(`session ${session} is known, but its proof is not kept here: zklora verify ${session} fetches it`)
    }
    return encodeProofFile({ manifest, bundles: bundles as Uint8Array[] })
  }

  /** Verifies what is kept, or can be fetched. Never throws for what is in the bytes. @throws NotFoundError, InvalidInputError */
  async verify(id: string, { signal }: CallOptions = {}): Promise<VerifyReport> {
    const { verifyFile, verifier } = this.init
    const { session, adapter, digests } = await this.find(id)
    try {
      const manifest = await verifier.manifest(fromHex(adapter), [], signal)
      const bundles: Uint8Array[] = []
      for (const digest of digests) {
        bundles.push(await verifier.bundle({ digest: fromHex(digest), adapter: fromHex(adapter) }, [], signal))
      }
      return await verifyFile(session, encodeProofFile({ manifest: manifest.bytes, bundles }))
    } catch (error) {
      signal?.throwIfAborted()
      // What a fetched manifest is wrong about is its holder's; what was asked for has not been checked.
      if (error instanceof NotFoundError || isPeerError(error)) return unchecked(session, error.message)
      throw error
    }
  }

  /** @throws NotFoundError when nothing begins with these digits, InvalidInputError when several sessions do */
  private async find(id: string): Promise<Known> {
    const { store } = this.init
    const found = new Map<string, Known>()
    const begins = (...names: (string | null)[]): boolean => names.some(name => name?.startsWith(id) === true)
    for (const verdict of await store.verdicts.list()) {
      if (begins(verdict.session, verdict.root, verdict.digest)) {
        found.set(verdict.session, { session: verdict.session, adapter: verdict.adapter, digests: [verdict.digest] })
      }
    }
    for (const bundle of await store.bundles.list()) {
      if (!begins(bundle.session, bundle.root, bundle.digest)) continue
      const all = await store.bundles.ofSession(fromHex(bundle.session))
      found.set(bundle.session, { session: bundle.session, adapter: bundle.adapter, digests: all.map(({ digest }) => digest) })
    }
    if (found.size === 0) throw new NotFoundError(`no proof is known here by ${id}: neither a root, nor a digest, nor a session`)
    if (found.size > 1) throw new InvalidInputError(`${id} may be session ${[...found.keys()].join(' or ')}: give more digits`)
    return found.values().next().value!
  }
}
