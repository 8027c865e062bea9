/** The jobs of a session in this thread, one after the other; between two of them the event loop gets its turn. */
import type { ContributorJobs, UserJobs } from './jobs.js'
import { contributorWork, type ContributorWorkInit, userWork, type UserWorkInit } from './work.js'

/** Timers, input and output come first, then the job. */
export async function afterOthers<T>(job: () => T): Promise<T> {
  await new Promise(resolve => setTimeout(resolve, 0))
  return job()
}

export function inlineContributorJobs(init: ContributorWorkInit): ContributorJobs {
  const work = contributorWork(init)
  return {
    answer: job => afterOthers(() => work.answer(job)),
    commitOutputs: job => afterOthers(() => work.commitOutputs(job)),
    checkInputs: job => afterOthers(() => work.checkInputs(job)),
    prove: job => afterOthers(() => work.prove(job))
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
