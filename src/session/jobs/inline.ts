/** The jobs of a session in this thread, one after the other; between two of them the event loop gets its turn. */
import type { Kernel } from '../../kernel/types.js'
import { certify, commitModule, type RegistrationJobs } from '../../proof/index.js'
import type { Answer, ContributorJobs, UserJobs } from './jobs.js'
import { contributorWork, type ContributorWorkInit, userWork, type UserWorkInit, type Work } from './work.js'

/** Node's, which waits for nothing; elsewhere a timer. */
const { setImmediate: soon = (run: () => void) => setTimeout(run, 0) } = globalThis as unknown as {
  setImmediate?: (run: () => void) => unknown
}

/** Timers, input and output come first, then the job. */
export async function afterOthers<T>(job: () => T): Promise<T> {
  await new Promise<void>(resolve => soon(resolve))
  return job()
}

/** Entries of x whose deltas take less than a millisecond. */
const SMALL_ENTRIES = 16_384

/** The deltas: for a few rows at once, since somebody waits for them. */
export async function answerIn(work: Work<ContributorJobs>, job: Parameters<ContributorJobs['answer']>[0]): Promise<Answer> {
  return job.x.length <= SMALL_ENTRIES ? work.answer(job) : afterOthers(() => work.answer(job))
}

export function inlineContributorJobs(init: ContributorWorkInit): ContributorJobs {
  const work = contributorWork(init)
  return {
    answer: job => answerIn(work, job),
    commitOutputs: job => afterOthers(() => work.commitOutputs(job)),
    checkInputs: job => afterOthers(() => work.checkInputs(job)),
    prove: job => afterOthers(() => work.prove(job))
  }
}

/** The work of a registration: one module after the other. */
export function inlineRegistration(kernel: Kernel): RegistrationJobs {
  const work =
    <Job, Result>(job: (job: Job) => Result) =>
    (input: Job) =>
      afterOthers(() => job(input))
  return {
    commitModule: work(job => commitModule(kernel, job)),
    certifyModule: work(job => certify(kernel, job)),
    atOnce: 1
  }
}

export function inlineUserJobs(init: UserWorkInit): UserJobs {
  const work = userWork(init)
  return {
    commitInputs: job => afterOthers(() => work.commitInputs(job)),
    checkOutputs: job => afterOthers(() => work.checkOutputs(job)),
    verify: bundle => afterOthers(() => work.verify(bundle))
  }
}
