/**
 * The user's side as one object, with the names of the field's first system.
 *
 *     const client = new BaseModelClient({ baseModel: 'models/novels', contributors: ['/ip4/192.0.2.7/tcp/4001/p2p/12D3…'] })
 *     await client.initAndPatch()
 *     const loss = await client.forwardLoss('Hello World, this is a LoRA test.')
 *     const { text } = await client.generate('My dear sir,')
 *     const proofs = await client.endInference()   // each session with its root, proved and verified
 *     await client.close()
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InvalidInputError } from '../errors.js'
import type {
  AdapterInfo,
  CallOptions,
  GenerateResult,
  PatchedModelHandle,
  SamplingParams,
  SessionInfo,
  ZkloraNode
} from '../roles/types.js'
import { PROOF_FILE_ENDING } from './batch-verify.js'
import type { CollectedProof } from './lora-server.js'
import { type OwnNode, ownNode, type OwnNodeOptions } from './own-node.js'

export interface BaseModelClientOptions extends OwnNodeOptions {
  /** Folder of the base model: ONNX, config and tokenizer. */
  baseModel: string
  /**
   * Whose adapters are used: a multiaddr or a peer identifier for the only adapter that this contributor serves for the base model;
   * `ADAPTER`, `ADAPTER@PEER` or `ADAPTER@MULTIADDR` for one by name or identifier. Default: the only adapter for the base model that the
   * DHT knows (`bootstrap`). An empty list: the base model alone.
   */
  contributors?: readonly string[] | undefined
  /** `add_delta`: base output + delta; `replace`: the delta alone. */
  combineMode?: 'add_delta' | 'replace' | undefined
  /** Rows that each session may use; default: for 1,024 tokens, or as many as the contributor serves. */
  rows?: number | undefined
  /** True: what opens the sessions' rows is kept, so that `node.openRow` can show one. */
  keepRows?: boolean | undefined
  /** Where `endInference` writes proof files; default: nowhere. */
  outDir?: string | undefined
}

const PEER_ID = /^(12D3Koo|16Uiu2HA|Qm|bafz)[0-9A-Za-z]{20,}$/

/** What `ZkloraNode` is asked for. */
function reference(contributor: string): string {
  return contributor.startsWith('/') || PEER_ID.test(contributor) ? `@${contributor}` : contributor
}

export class BaseModelClient {
  private own: OwnNode | undefined
  private model: PatchedModelHandle | undefined

  constructor(private readonly options: BaseModelClientOptions) {}

  /** The node that is used, after `initAndPatch`. */
  get node(): ZkloraNode | undefined {
    return this.own?.node
  }

  /**
   * Joins the network, finds the contributors, opens a session with each, and opens the base model cut at the adapters' modules.
   * @param call.signal ends the sessions, also later
   * @returns the adapters in use
   * @throws NotFoundError, RefusedError, InvalidInputError with what to do; nothing is left open then
   */
  async initAndPatch(call: CallOptions = {}): Promise<readonly AdapterInfo[]> {
    if (this.model !== undefined) throw new InvalidInputError('this client is patched already: call endInference first')
    const { baseModel, contributors = [''], combineMode, rows, keepRows, outDir: _outDir, ...nodeOptions } = this.options
    this.own ??= await ownNode(nodeOptions, ['user', 'verifier'])
    const use = { base: baseModel, adapters: contributors.map(reference), combineMode, rows, keepRows }
    this.model = await this.own.node.openModel(use, call)
    return this.model.adapters
  }

  /** Mean next-token cross entropy of a text with the adapters, in nats; without adapters that of the base model. */
  async forwardLoss(text: string, call: CallOptions = {}): Promise<number> {
    const { base, adapted } = await this.patched().loss(text, call)
    return adapted ?? base
  }

  /** Writes on from a prompt. Default: greedy, 64 tokens. */
  generate(prompt: string, params: SamplingParams = {}, call: CallOptions = {}): Promise<Omit<GenerateResult, 'sessions'>> {
    return this.patched().generate({ ...params, prompt }, call)
  }

  /**
   * Ends the sessions: the contributors prove, every bundle is verified here. A session whose proof failed says so in `error`.
   * Afterwards `initAndPatch` may be called again.
   */
  async endInference(): Promise<CollectedProof[]> {
    const model = this.patched()
    this.model = undefined
    const sessions = await model.end()
    const proofs: CollectedProof[] = []
    for (const session of sessions) proofs.push({ ...session, file: await this.write(session) })
    return proofs
  }

  /** Breaks off what still runs, and leaves the network. */
  async close(): Promise<void> {
    await this.model?.abort()
    this.model = undefined
    await this.own?.close()
    this.own = undefined
  }

  private patched(): PatchedModelHandle {
    if (this.model === undefined) throw new InvalidInputError('the base model is not patched: call initAndPatch first')
    return this.model
  }

  private async write({ session, root }: SessionInfo): Promise<string | null> {
    const { outDir } = this.options
    if (outDir === undefined || root === null) return null
    await mkdir(outDir, { recursive: true })
    const file = join(resolve(outDir), `${session.slice(0, 16)}${PROOF_FILE_ENDING}`)
    await writeFile(file, await this.own!.node.exportProof(root))
    return file
  }
}
