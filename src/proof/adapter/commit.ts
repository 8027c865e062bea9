/** From integers to commitments and certificates: the contributor makes a manifest. */
import { concat, utf8 } from '../../bytes.js'
import { InvalidInputError, LimitExceededError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedAdapter } from '../../lora/types.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { certificateItems, certifiedEntries } from '../certificate/layout.js'
import { multiplicities } from '../certificate/table.js'
import { POINT_BYTES, SCALAR_BYTES } from '../scalars.js'
import type { CommittedAdapter, CommittedGroup, Manifest, Random } from '../types.js'
import { contentDigest, hashScales, scalesOf } from './content.js'
import { decodeManifest, nameFault } from './decode.js'
import { encodeBody, encodeManifest, hashBody, type ModuleCommitments } from './encode.js'
import { drawBlindings, place, type Blindings, type Placed } from './place.js'
import { certify, commitModule, type CertifyModuleJob, type CommitModuleJob, type RegistrationJobs } from './register.js'

/** Bytes of fresh randomness under all masks of one manifest. */
const FRESH_BYTES = 32

export interface CommitAdapterInit {
  readonly kernel: Kernel
  readonly adapter: QuantizedAdapter
  /** Base model identifier. */
  readonly base: Uint8Array
  /** Display name, 1 to 128 bytes of UTF-8. */
  readonly name: string
  /** The owner's Ed25519 public key. */
  readonly ownerKey: Uint8Array
  /** 32 random bytes, new for each registration; kept with the adapter. */
  readonly secret: Uint8Array
  /** 32 random bytes under the scales' hash. */
  readonly salt: Uint8Array
  readonly random: Random
  /** Modules done, out of how many, twice for each: committed, then certified. */
  readonly onProgress?: (done: number, total: number) => void
}

/** What is known before the first commitment. */
interface Draft {
  readonly init: CommitAdapterInit
  readonly placed: readonly Placed[]
  readonly content: Uint8Array
  readonly blindings: readonly Blindings[]
  readonly jobs: readonly CommitModuleJob[]
}

/** @throws InvalidInputError for a name that a manifest cannot hold or a weight outside its range; LimitExceededError */
function draft(init: CommitAdapterInit): Draft {
  const { kernel, adapter, base, secret } = init
  checkName('name', init.name, FORMAT_LIMITS.adapterNameBytes)
  checkName('base model name', adapter.baseModelName, FORMAT_LIMITS.nameBytes)
  const placed = place(adapter)
  checkSize(placed, adapter)
  for (const { module } of placed) multiplicities([module.a, module.b], adapter.weightBits)
  const content = contentDigest(base, adapter)
  const blindings = drawBlindings(kernel, { secret, content }, placed)
  return { init, placed, content, blindings, jobs: placed.map((each, m) => ({ ...each, ...blindings[m]! })) }
}

function certifyJobs({ init, jobs }: Draft, commitments: readonly ModuleCommitments[]): { body: Uint8Array; jobs: CertifyModuleJob[] } {
  const { adapter, base, secret, salt, random, name, ownerKey } = init
  const body = encodeBody({
    ...{ owner: ownerKey, base, name, baseName: adapter.baseModelName, shape: adapter },
    ...{ scalesHash: hashScales(salt, scalesOf(adapter)), commitments }
  })
  const shared = { bodyHash: hashBody(body), weightBits: adapter.weightBits, secret, fresh: random(FRESH_BYTES) }
  return { body, jobs: jobs.map(job => ({ ...job, ...shared })) }
}

function finish({ init, content, blindings }: Draft, body: Uint8Array, certificates: readonly Uint8Array[]): CommittedAdapter {
  const { kernel, adapter, secret, salt } = init
  const manifest = decodeManifest(encodeManifest(body, concat(certificates)))
  return { manifest, quantized: adapter, groups: groupsOf(kernel, manifest, blindings), secret, salt, content }
}

/**
 * Commits to an adapter and makes its manifest, in this thread and at once: for small adapters (see `registerAdapter`).
 * @throws InvalidInputError for a name that a manifest cannot hold or a weight outside its range; LimitExceededError for an adapter
 * beyond FORMAT_LIMITS
 */
export function commitAdapter(init: CommitAdapterInit): CommittedAdapter {
  const { kernel, onProgress = () => {} } = init
  const drafted = draft(init)
  let done = 0
  const tell = <T>(result: T): T => {
    onProgress(++done, 2 * drafted.jobs.length)
    return result
  }
  const commitments = drafted.jobs.map(job => tell(commitModule(kernel, job)))
  const { body, jobs } = certifyJobs(drafted, commitments)
  return finish(
    drafted,
    body,
    jobs.map(job => tell(certify(kernel, job)))
  )
}

/**
 * The same with the work of each module done elsewhere, several at once.
 * @throws what commitAdapter throws, what a job throws, the signal's reason
 */
export async function registerAdapter(
  init: CommitAdapterInit & { readonly jobs: RegistrationJobs; readonly signal?: AbortSignal | undefined }
): Promise<CommittedAdapter> {
  const { jobs: work, signal, onProgress = () => {} } = init
  const drafted = draft(init)
  let done = 0
  const each = async <Job, Result>(list: readonly Job[], run: (job: Job, signal?: AbortSignal) => Promise<Result>): Promise<Result[]> => {
    const results: Result[] = []
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < list.length) {
        signal?.throwIfAborted()
        const at = next++
        results[at] = await run(list[at]!, signal)
        onProgress(++done, 2 * list.length)
      }
    }
    await Promise.all(Array.from({ length: Math.min(work.atOnce, list.length) }, lane))
    return results
  }
  const commitments = await each(drafted.jobs, work.commitModule)
  const { body, jobs } = certifyJobs(drafted, commitments)
  const certificates = await each(jobs, work.certifyModule)
  signal?.throwIfAborted()
  return finish(drafted, body, certificates)
}

/** Before anything is computed. */
function checkSize(placed: readonly Placed[], { groups, weightBits }: QuantizedAdapter): void {
  const entries = certifiedEntries({ groups, weightBits })
  if (entries > FORMAT_LIMITS.certifiedEntries) {
    const remedy = 'in a manifest; use fewer bits for the weights, or train it on fewer target modules'
    throw new LimitExceededError('entries of certificates', entries, FORMAT_LIMITS.certifiedEntries, remedy)
  }
  const bytes = placed.reduce((sum, { module: { rank, dOut }, dIn }) => {
    return sum + 2 * rank * POINT_BYTES + certificateItems({ dIn, dOut, rank, weightBits }) * SCALAR_BYTES
  }, 0)
  if (bytes <= FORMAT_LIMITS.manifestBytes) return
  const remedy = 'in a manifest; train it with a lower rank or on fewer target modules'
  throw new LimitExceededError('bytes of commitments and certificates', bytes, FORMAT_LIMITS.manifestBytes, remedy)
}

function checkName(what: string, name: string, most: number): void {
  const fault = nameFault(name, utf8(name).length, most)
  if (fault !== undefined) throw new InvalidInputError(`the adapter's ${what} ${JSON.stringify(name.slice(0, most))} ${fault}`)
}

export function groupsOf(kernel: Kernel, manifest: Manifest, blindings: readonly Blindings[]): CommittedGroup[] {
  return manifest.groups.map(({ modules }) => ({
    cb: kernel.decode(concat(modules.map(({ cb }) => cb))),
    alpha: concat(modules.map(({ index }) => blindings[index]!.alpha)),
    beta: concat(modules.map(({ index }) => blindings[index]!.beta))
  }))
}
