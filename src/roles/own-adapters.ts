/** The adapters of a contributor: registered from PEFT folders, served again after a restart, shown with what they give away. */
import { basename, resolve } from 'node:path'
import { equal, fromHex, toHex } from '../bytes.js'
import { InvalidInputError, NotFoundError } from '../errors.js'
import { readAdapterFolder } from '../hub/index.js'
import type { Kernel } from '../kernel/index.js'
import {
  dequantize,
  extractionBudget,
  hidden,
  outputs,
  quantizeAdapter,
  quantizeRows,
  readPeftAdapter,
  type QuantizedAdapter
} from '../lora/index.js'
import { adapterKey, type Net, roleKey } from '../net/index.js'
import {
  decodeManifest,
  publicKeyOf,
  registerAdapter,
  restoreAdapter,
  type CommittedAdapter,
  type Manifest,
  type Random,
  type RegistrationJobs
} from '../proof/index.js'
import type { AdapterPolicy, OwnAdapter, Store } from '../store/index.js'
import type { ServedAdapter } from '../wire/generated/fetch.js'
import { publicName, readBaseModel } from './base-model.js'
import type { Contributor } from './contributor.js'
import { adapterInfo } from '../browser/info.js'
import type { AddAdapterParams, CallOptions, GroupBudget, OwnAdapterInfo, ProgressEvent } from './types.js'

/** `rowsLeft` of an adapter without a limit: the greatest number that the field holds. */
export const NO_LIMIT = 0xffff_ffff

export interface OwnAdaptersInit {
  readonly kernel: Kernel
  readonly random: Random
  readonly store: Store
  /** Who makes commitments and certificates. */
  readonly registration: RegistrationJobs
  /** Absent: this node serves nobody; its adapters can still be added, listed and removed. */
  readonly contributor?: Contributor | undefined
  /** Where they are advertised. */
  readonly discovery?: Pick<Net['discovery'], 'provide' | 'withdraw'> | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

function policyOf({ mode = 'open', allow = [], limitRows = null }: AddAdapterParams): AdapterPolicy {
  if (mode === 'open' && allow.length > 0) {
    throw new InvalidInputError('a list of peers was given, but the adapter is open to everybody: say mode "listed", or leave the list out')
  }
  return { mode, allow, limitRows }
}

export class OwnAdapters {
  constructor(private readonly init: OwnAdaptersInit) {}

  /** Serves and advertises what was registered before this start. */
  async restore(): Promise<void> {
    const { store, kernel, random, contributor } = this.init
    if (contributor === undefined) return
    for (const { id } of await store.adapters.list()) {
      const own = await store.adapters.get(fromHex(id))
      const { manifestBytes, quantized, secret, salt } = own
      this.serve(restoreAdapter({ kernel, adapter: quantized, manifestBytes, secret, salt, random }), own)
    }
  }

  /**
   * Reads, quantises, commits, certifies, keeps, serves and advertises a PEFT adapter. Nothing is kept before the certificates of all its
   * modules are made, and then all of it at once.
   * @throws InvalidInputError, UnsupportedError, LimitExceededError for what cannot be served, with the reason
   */
  async add(params: AddAdapterParams, { signal, onProgress = () => {} }: CallOptions = {}): Promise<OwnAdapterInfo> {
    const { kernel, random, store, registration, now = Date.now } = this.init
    const tell = (step: Extract<ProgressEvent, { type: 'adapter' }>['step'], done: number, total: number): void => {
      onProgress({ type: 'adapter', step, done, total })
    }
    const policy = policyOf(params)
    const peft = readPeftAdapter(readAdapterFolder(params.folder))
    const baseModelName = publicName(peft.baseModelName)
    const base = readBaseModel(params.base, baseModelName)
    tell('read', 2, 2)
    const bits = {
      ...(params.weightBits && { weightBits: params.weightBits }),
      ...(params.activationBits && { activationBits: params.activationBits })
    }
    const quantized = quantizeAdapter({ ...peft, baseModelName }, bits)
    tell('quantise', peft.modules.length, peft.modules.length)
    signal?.throwIfAborted()
    const [ownerSeed, secret, salt] = [random(32), random(32), random(32)]
    const modules = peft.modules.length
    const committed = await registerAdapter({
      kernel,
      jobs: registration,
      signal,
      adapter: quantized,
      base: base.id,
      name: params.name ?? basename(resolve(params.folder)),
      ownerKey: publicKeyOf(ownerSeed),
      secret,
      salt,
      random,
      onProgress: done => (done <= modules ? tell('commit', done, modules) : tell('prove', done - modules, modules))
    })
    const { manifest, content } = committed
    const own = { quantized, ownerSeed, secret, salt, content, policy, added: now(), origin: params.origin }
    await store.budget.register({ content, base: base.id, quantized })
    await store.adapters.put(manifest, own)
    this.serve(committed, own)
    tell('advertise', 1, 1)
    return this.describe(manifest, own)
  }

  async list(): Promise<OwnAdapterInfo[]> {
    const { store } = this.init
    const list: OwnAdapterInfo[] = []
    for (const { id } of await store.adapters.list()) {
      const own = await store.adapters.get(fromHex(id))
      list.push(await this.describe(decodeManifest(own.manifestBytes), own))
    }
    return list
  }

  /** Serves it no more. What was answered stays counted. @throws NotFoundError */
  async remove(id: string): Promise<void> {
    const { store, contributor, discovery } = this.init
    const bytes = fromHex(id)
    if (!(await store.adapters.has(bytes)))
      throw new NotFoundError(`there is no own adapter ${id}; "zklora adapter list" shows those that there are`)
    const base = (await store.adapters.list()).find(entry => entry.id === id)!.base
    contributor?.withdraw(bytes)
    await store.adapters.remove(bytes)
    await discovery?.withdraw(adapterKey(bytes))
    const more = (await store.adapters.list()).some(entry => entry.base === base)
    if (!more) await discovery?.withdraw(roleKey('contributor', fromHex(base)))
  }

  /**
   * What a served adapter adds to a module's output: the same exact integers as in a session, of rows of one's own. It counts for
   * nobody's budget.
   * @param rows count × dIn
   * @returns count × dOut
   * @throws NotFoundError for an adapter or module that is not here, InvalidInputError for rows of another width
   */
  async apply(id: string, module: string, rows: Float32Array): Promise<Float32Array> {
    const own = await this.quantized(id)
    const group = own.groups.find(({ modules }) => modules.some(({ name }) => name === module))
    if (group === undefined) {
      throw new NotFoundError(
        `the adapter has no module ${module}; it has ${own.groups.flatMap(({ modules }) => modules.map(({ name }) => name)).join(', ')}`
      )
    }
    const { dIn } = group
    if (rows.length % dIn !== 0)
      throw new InvalidInputError(`rows of module ${module} have ${dIn} entries; ${rows.length} are no multiple of it`)
    const alone = { dIn, modules: group.modules.filter(({ name }) => name === module) }
    const { x, scales, count } = quantizeRows(rows, dIn, own.activationBits)
    return dequantize({ modules: alone.modules, y: outputs(alone, hidden(alone, x, count), count), rowScales: scales })
  }

  /** What peers are told when they ask, for one base model or all. */
  async catalogue(base: Uint8Array | null): Promise<ServedAdapter[]> {
    const { contributor, store } = this.init
    const served = contributor?.adapters.filter(({ adapter }) => base === null || equal(adapter.manifest.base, base)) ?? []
    return Promise.all(
      served.map(async ({ adapter, policy }) => {
        const { manifest, content } = adapter
        const rowsLeft = await store.budget.rowsLeft(content, manifest.groups.length, policy.limitRows)
        return {
          adapter: Uint8Array.from(manifest.id),
          base: Uint8Array.from(manifest.base),
          rowsLeft: Math.min(rowsLeft ?? NO_LIMIT, NO_LIMIT),
          listedOnly: policy.mode === 'listed',
          maxRows: contributor!.maxRows(adapter)
        }
      })
    )
  }

  private async quantized(id: string): Promise<QuantizedAdapter> {
    const served = this.init.contributor?.adapters.find(({ adapter }) => toHex(adapter.manifest.id) === id)
    if (served !== undefined) return served.adapter.quantized
    const bytes = fromHex(id)
    if (!(await this.init.store.adapters.has(bytes))) throw new NotFoundError(`there is no own adapter ${id}`)
    return (await this.init.store.adapters.get(bytes)).quantized
  }

  private serve(adapter: CommittedAdapter, { policy, ownerSeed }: Pick<OwnAdapter, 'policy' | 'ownerSeed'>): void {
    const { contributor, discovery } = this.init
    if (contributor === undefined) return
    contributor.serve({ adapter, policy, secretKey: ownerSeed })
    discovery?.provide(roleKey('contributor', adapter.manifest.base))
    discovery?.provide(adapterKey(adapter.manifest.id))
  }

  private async describe(
    manifest: Manifest,
    { policy, added, content, origin }: Omit<OwnAdapter, 'manifestBytes'>
  ): Promise<OwnAdapterInfo> {
    const budget: GroupBudget[] = []
    for (const [group, widths] of manifest.groups.entries()) {
      const { minimumRows, latticeRows } = extractionBudget(widths, manifest)
      const answered = await this.init.store.budget.answered(content, group)
      budget.push({ group, answered, extraction: Math.round(minimumRows), matrixB: latticeRows })
    }
    return {
      ...adapterInfo(manifest),
      id: toHex(manifest.id),
      ...policy,
      allow: [...policy.allow],
      budget,
      added,
      ...(origin !== undefined && { origin })
    }
  }
}
