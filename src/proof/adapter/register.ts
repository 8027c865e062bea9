/**
 * The work of a registration, module by module: first all commitments, from which the body follows, then all certificates, which absorb
 * its hash. What a module needs is plain data, so that workers can do it.
 */
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedModule } from '../../lora/types.js'
import { certifyModule } from '../certificate/prove.js'
import { commitBlinded } from '../hiding.js'
import { Masks } from '../transcript.js'
import type { ModuleCommitments } from './encode.js'
import type { Blindings, Placed } from './place.js'

export interface CommitModuleJob extends Placed, Blindings {}

export interface CertifyModuleJob extends CommitModuleJob {
  readonly bodyHash: Uint8Array
  readonly weightBits: number
  /** The adapter's, and 32 fresh bytes of this registration: masks are made from both. */
  readonly secret: Uint8Array
  readonly fresh: Uint8Array
}

/** What a registration asks for. An aborted signal ends the wait at once, also when the work goes on elsewhere. */
export interface RegistrationJobs {
  readonly commitModule: (job: CommitModuleJob, signal?: AbortSignal) => Promise<ModuleCommitments>
  /** A module's certificate. */
  readonly certifyModule: (job: CertifyModuleJob, signal?: AbortSignal) => Promise<Uint8Array>
  /** Modules that may be under way at once: each takes some hundred bytes for each of its weights. */
  readonly atOnce: number
}

export function commitModule(kernel: Kernel, { module, dIn, offset, alpha, beta }: CommitModuleJob): ModuleCommitments {
  const commit = (bases: ReturnType<Kernel['generators']>, rows: QuantizedModule['a'], blinding: Uint8Array): Uint8Array =>
    kernel.encode(commitBlinded(kernel, { bases, rows, count: module.rank, blinding }))
  return {
    ca: commit(kernel.generators('G', 0, dIn), module.a, alpha),
    cb: commit(kernel.generators('K', offset, module.dOut), module.b, beta)
  }
}

/** @throws InvalidInputError for a weight outside its range */
export function certify(kernel: Kernel, { secret, fresh, index, dIn, offset, ...job }: CertifyModuleJob): Uint8Array {
  const masks = new Masks(kernel, () => fresh, secret)
  return certifyModule({ kernel, masks, place: { index, dIn, offset }, ...job })
}
