/**
 * The jobs of a session on the workers of a pool. Adapters and manifests are sent to a worker once and forgotten there when this thread
 * has dropped them. What the user waits for, the deltas themselves, stays in this thread, so that it never waits behind a proof.
 */
import type { PeerError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import {
  errorOf,
  type PlainError,
  plainError,
  type PoolContext,
  poolContext,
  type PoolModule,
  type WorkerPool
} from '../../kernel/index.js'
import {
  certify,
  type CertifyModuleJob,
  commitModule,
  type CommitModuleJob,
  type CommittedAdapter,
  type CommittedGroup,
  decodeManifest,
  type Random,
  type RegistrationJobs,
  type VerifiedManifest,
  type VerifiedProof,
  verifyBatch,
  type VerifyItem,
  verifyManifest
} from '../../proof/index.js'
import { answerIn } from './inline.js'
import type { ContributorJobs, UserJobs } from './jobs.js'
import { contributorWork, userWork, type Work } from './work.js'

/** An adapter as it travels: points do not pass from thread to thread. */
type PlainAdapter = Omit<CommittedAdapter, 'groups'> & { readonly groups: readonly PlainGroup[] }
type PlainGroup = Omit<CommittedGroup, 'cb'> & { readonly cb: Uint8Array }

/** A user's work, and the manifest that it is about. */
type OpenedUser = Work<UserJobs> & { readonly manifest: VerifiedManifest }

interface PlainBatch {
  readonly results: readonly ({ readonly proof: VerifiedProof } | { readonly error: PlainError })[]
  readonly elapsed: number
}

/** What a batch of bundles shows. */
export interface VerifiedBatch {
  readonly results: readonly (VerifiedProof | PeerError)[]
  /** Milliseconds, of all together. */
  readonly elapsed: number
}

/** What the workers of a pool do for sessions and registrations. */
export function sessionModule({ kernel, random }: { readonly kernel: Kernel; readonly random: Random }): PoolModule {
  return {
    open: {
      contributor: ({ groups, ...adapter }: PlainAdapter) => {
        const decoded = groups.map(({ cb, ...openings }) => ({ cb: kernel.decode(cb), ...openings }))
        return contributorWork({ kernel, random, adapter: { ...adapter, groups: decoded } })
      },
      user: (manifest: VerifiedManifest): OpenedUser => ({ manifest, ...userWork({ kernel, manifest, random }) })
    },
    jobs: {
      commitOutputs: (job: never, work: Work<ContributorJobs>) => ({ value: work.commitOutputs(job) }),
      checkInputs: (job: never, work: Work<ContributorJobs>) => ({ value: work.checkInputs(job) }),
      prove: (job: never, work: Work<ContributorJobs>) => ({ value: work.prove(job) }),
      commitInputs: (job: never, work: Work<UserJobs>) => ({ value: work.commitInputs(job) }),
      checkOutputs: (job: never, work: Work<UserJobs>) => ({ value: work.checkOutputs(job) }),
      verify: (job: never, work: Work<UserJobs>) => ({ value: work.verify(job) }),
      verifyBundles: (bundles: readonly Uint8Array[], opened: readonly OpenedUser[]) => {
        const began = performance.now()
        const items = bundles.map((bundle, i) => ({ bundle, manifest: opened[i]!.manifest }))
        const results = verifyBatch({ kernel, items, random }).map(result =>
          result instanceof Error ? { error: plainError(result) } : { proof: result }
        )
        return { value: { results, elapsed: performance.now() - began } satisfies PlainBatch }
      },
      commitModule: (job: CommitModuleJob) => ({ value: commitModule(kernel, job) }),
      certifyModule: (job: CertifyModuleJob) => ({ value: certify(kernel, job) }),
      verifyManifest: (bytes: Uint8Array) => ({ value: verifyManifest({ kernel, manifest: decodeManifest(bytes), random }) })
    }
  }
}

/** The jobs of all sessions of a node, on one pool. */
export class PooledJobs {
  private readonly contexts = new WeakMap<object, PoolContext>()
  private readonly dropped: FinalizationRegistry<Pick<PoolContext, 'id'>>

  constructor(private readonly init: { readonly pool: WorkerPool; readonly kernel: Kernel; readonly random: Random }) {
    this.dropped = new FinalizationRegistry(context => init.pool.close(context))
  }

  contributor(adapter: CommittedAdapter): ContributorJobs {
    const { pool, kernel } = this.init
    const context = this.contextOf(adapter, 'contributor', () => ({
      ...adapter,
      groups: adapter.groups.map(({ cb, ...openings }) => ({ cb: kernel.encode(cb), ...openings }))
    }))
    const work = contributorWork({ ...this.init, adapter })
    return {
      answer: job => answerIn(work, job),
      commitOutputs: input => pool.run({ name: 'commitOutputs', input, context }),
      checkInputs: input => pool.run({ name: 'checkInputs', input, context }),
      prove: input => pool.run({ name: 'prove', input, context })
    }
  }

  user(manifest: VerifiedManifest): UserJobs {
    const { pool } = this.init
    const context = this.userContext(manifest)
    return {
      commitInputs: input => pool.run({ name: 'commitInputs', input, context }),
      checkOutputs: input => pool.run({ name: 'checkOutputs', input, context }),
      verify: input => pool.run({ name: 'verify', input, context })
    }
  }

  /** As many modules at once as there are threads, so that what sessions ask for meanwhile comes next. */
  registration(): RegistrationJobs {
    const run =
      <Result>(name: string) =>
      (input: unknown, signal?: AbortSignal): Promise<Result> =>
        this.init.pool.runWhenRoom({ name, input, signal })
    return { commitModule: run('commitModule'), certifyModule: run('certifyModule'), atOnce: this.init.pool.threads }
  }

  /**
   * Bundles of any adapters, in one multi-scalar multiplication; when it fails, one by one.
   * @returns for each in order what it shows or the error for which it is refused, and the milliseconds that all took
   */
  async verifyBundles(items: readonly VerifyItem[]): Promise<VerifiedBatch> {
    const { pool } = this.init
    const context = items.map(({ manifest }) => this.userContext(manifest))
    const input = items.map(({ bundle }) => bundle)
    const { results, elapsed } = await pool.runWhenRoom<PlainBatch>({ name: 'verifyBundles', input, context })
    return { results: results.map(result => ('error' in result ? (errorOf(result.error) as PeerError) : result.proof)), elapsed }
  }

  /** @throws MalformedMessageError, LimitExceededError, InvalidProofError, as `verifyManifest` of the proof room */
  async verifyManifest(bytes: Uint8Array): Promise<VerifiedManifest> {
    return this.init.pool.runWhenRoom({ name: 'verifyManifest', input: bytes })
  }

  private userContext(manifest: VerifiedManifest): PoolContext {
    return this.contextOf(manifest, 'user', () => ({ ...manifest }))
  }

  /** The same for the same object. What it holds must not hold that object, or neither would ever be dropped. */
  private contextOf(of: object, kind: string, plain: () => object): PoolContext {
    let context = this.contexts.get(of)
    if (context === undefined) {
      context = poolContext(kind, plain())
      this.contexts.set(of, context)
      this.dropped.register(of, { id: context.id })
    }
    return context
  }
}
