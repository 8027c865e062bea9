/**
 * The contributor's side as one object, with the names of the field's first system.
 *
 *     const server = await LoRAServer.create({ baseModel: 'models/novels', loraModel: 'adapters/shakespeare', outDir: 'proofs',
 *       listen: ['/ip4/0.0.0.0/tcp/4001'] })
 *     console.log(server.multiaddrs())              // a BaseModelClient dials one of them
 *     …
 *     const proofs = await server.finalizeProofsAndCollect()
 *     await server.close()
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { AddAdapterParams, CallOptions, OwnAdapterInfo, SessionInfo, ZkloraNode } from '../roles/types.js'
import { PROOF_FILE_ENDING } from './batch-verify.js'
import { registerAdapter } from './registered.js'
import { type OwnNode, ownNode, type OwnNodeOptions } from './own-node.js'

export interface LoRAServerOptions extends OwnNodeOptions, Omit<AddAdapterParams, 'folder' | 'base'> {
  /** Folder of the base model (its config and tokenizer; the weights are not needed). */
  baseModel: string
  /** PEFT folder. */
  loraModel: string
  /** Where `finalizeProofsAndCollect` writes proof files; default: nowhere. */
  outDir?: string | undefined
}

/** A target module of the adapter. */
export interface InjectionPoint {
  name: string
  dIn: number
  dOut: number
  rank: number
}

export interface CollectedProof extends SessionInfo {
  /** The proof file, when there is an `outDir`. */
  file: string | null
}

export class LoRAServer {
  private constructor(
    private readonly own: OwnNode,
    private readonly outDir: string | undefined,
    /** What is served, as everybody sees it. */
    readonly adapter: OwnAdapterInfo
  ) {}

  /**
   * Registers the adapter and serves it. It is the same adapter, by the same identifier, as at an earlier start on the same
   * `dataDir` or node with the same weights and terms; other weights or terms take its place.
   * @throws InvalidInputError, UnsupportedError, LimitExceededError for an adapter that cannot be served, with the reason
   */
  static async create(options: LoRAServerOptions, call: CallOptions = {}): Promise<LoRAServer> {
    const { baseModel, loraModel, outDir, name, mode, allow, limitRows, weightBits, activationBits, ...nodeOptions } = options
    const own = await ownNode(nodeOptions, ['contributor', 'verifier'])
    try {
      const params = { folder: resolve(loraModel), base: resolve(baseModel), name, mode, allow, limitRows, weightBits, activationBits }
      const { adapter } = await registerAdapter(own.node, params, call)
      return new LoRAServer(own, outDir === undefined ? undefined : resolve(outDir), adapter)
    } catch (error) {
      await own.close()
      throw error
    }
  }

  get node(): ZkloraNode {
    return this.own.node
  }

  /** Where it can be reached, each with its peer identifier. */
  multiaddrs(): string[] {
    return this.node.multiaddrs()
  }

  /** The modules of the base model that the adapter changes. */
  listLoraInjectionPoints(): InjectionPoint[] {
    return this.adapter.groups.flatMap(({ dIn, modules }) => modules.map(({ name, dOut, rank }) => ({ name, dIn, dOut, rank })))
  }

  /**
   * What the adapter adds to a module's output, in the exact integers of a session; for tests and comparisons on this side.
   * @param rows count × dIn @returns count × dOut
   */
  applyLora(module: string, rows: Float32Array): Promise<Float32Array> {
    return this.node.applyAdapter(this.adapter.id, module, rows)
  }

  /**
   * Waits until every session of this adapter has ended, and gives the proofs of those that were proved, also from earlier runs on the
   * same data folder.
   * @throws the signal's reason
   */
  async finalizeProofsAndCollect({ signal }: Pick<CallOptions, 'signal'> = {}): Promise<CollectedProof[]> {
    const sessions = await this.ended(signal)
    const proofs: CollectedProof[] = []
    for (const session of sessions) {
      if (session.root === null) continue
      proofs.push({ ...session, file: await this.write(session) })
    }
    return proofs
  }

  /** Serves no more. */
  async close(): Promise<void> {
    await this.own.close()
  }

  private async ended(signal: AbortSignal | undefined): Promise<SessionInfo[]> {
    const enough = new AbortController()
    let wake = (): void => {}
    const watching = this.node.watch({
      signal: enough.signal,
      onProgress: event => {
        if (event.type === 'session') wake()
      }
    })
    try {
      for (;;) {
        signal?.throwIfAborted()
        const change = new Promise<void>((resolve, reject) => {
          wake = resolve
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { signal: enough.signal })
        })
        change.catch(() => {})
        const mine = (await this.node.sessions()).filter(({ role, adapter }) => role === 'contributor' && adapter === this.adapter.id)
        if (mine.every(({ state }) => state !== 'open' && state !== 'proving')) return mine
        await change
      }
    } finally {
      enough.abort()
      await watching
    }
  }

  private async write({ session, root }: SessionInfo): Promise<string | null> {
    if (this.outDir === undefined) return null
    await mkdir(this.outDir, { recursive: true })
    const file = join(this.outDir, `${session.slice(0, 16)}${PROOF_FILE_ENDING}`)
    await writeFile(file, await this.node.exportProof(root!))
    return file
  }
}
