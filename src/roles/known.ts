/** Sessions and bundles that this node knows of: exported as proof files, and verified again. */
import { fromHex } from '../bytes.js'
import { InvalidInputError, isPeerError, NotFoundError } from '../errors.js'
import { decodeBundle, decodeManifest, encodeProofFile, encodeRowFile, openRow } from '../proof/index.js'
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
    return encodeProofFile(await this.kept(await this.find(id)))
  }

  /**
   * A row file: one row of an own session, opened, with the session's proof file.
   * @throws NotFoundError for a session or row that is not here, InvalidInputError
   */
  async openRow(id: string, number: number): Promise<Uint8Array> {
    const found = await this.find(id)
    const { manifest, bundles } = await this.kept(found)
    const decoded = decodeManifest(manifest)
    const statements = bundles.map(bundle => decodeBundle(bundle, decoded).statement)
    const statement = statements.find(({ rows, start }) => number >= start && number < start + rows.length)
    if (statement === undefined) {
      const ranges = statements.map(({ rows, start }) => `${start} to ${start + rows.length - 1}`).join(', ')
      throw new NotFoundError(`row ${number} is not in the proof of session ${found.session}, which has rows ${ranges}`)
    }
    const row = await this.init.store.rows.get(statement.session, number)
    if (row === undefined) {
      throw new NotFoundError(
        `row ${number} of session ${found.session} is proved, but what opens it is not kept here: its user keeps it when the session runs with --keep-rows`
      )
    }
    const { session, rows } = statement
    return encodeRowFile({ opening: openRow({ ...row, session, rows }), proofFile: encodeProofFile({ manifest, bundles }) })
  }

  private async kept({ session, adapter, digests }: Known): Promise<{ manifest: Uint8Array; bundles: Uint8Array[] }> {
    const manifest = await keptManifest(this.init.store, fromHex(adapter))
    const bundles = await Promise.all(digests.map(digest => this.init.store.bundles.get(fromHex(digest))))
    if (manifest === undefined || bundles.some(bundle => bundle === undefined)) {
      throw new NotFoundError(`session ${session} is known, but its proof is not kept here: zklora verify ${session} fetches it`)
    }
    return { manifest, bundles: bundles as Uint8Array[] }
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
