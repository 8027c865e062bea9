/** Settling that is cut, or comes after the contributor has proved alone, is settled as if nothing had been tried: both go on from what they have. */
import test from 'ava'
import { inlineContributorJobs, proveAgreed, restoreContributor, tailsOf } from '../../src/session/index.js'
import { kernel } from '../proof/fixture.js'
import { random, smallAdapter, type Tamper } from './pair.js'
import { breakAfter, type JournaledPair, journaledPair, keepBundle, settle } from './settling.js'

/** Messages of a session after which its stream breaks: both have accepted four rows of eight, before the contributor's second batch and with it on its way. */
const BREAKS = [11, 12]
const COURSE = { times: 2, isInStep: true }
const WHO = [[], ['user'], ['contributor'], ['user', 'contributor']] as const

const named = (restarted: (typeof WHO)[number]): string => (restarted.length === 0 ? 'nobody has' : `${restarted.join(' and ')} restarted`)

/** Cuts the stream when so many messages have come. */
function cutter(messages: number): {
  tamper: Tamper
  onMachines: NonNullable<Parameters<typeof settle>[1]['onMachines']>
  arrived: () => number
} {
  let arrived = 0
  let cut = (): void => {}
  return {
    arrived: () => arrived,
    onMachines: machines => {
      cut = () => machines.forEach(machine => machine.fail(new Error('the line is cut')))
    },
    tamper: (_message, _from, bytes) => {
      if (arrived >= messages) {
        cut()
        return []
      }
      arrived++
      return [bytes]
    }
  }
}

/** Nobody came in time: what both signed is proved, and the other rows are forgotten. @returns rows proved */
async function alone({ user, journals }: JournaledPair): Promise<number> {
  const { adapter, manifest } = smallAdapter()
  const restored = restoreContributor(await journals.contributor.load(), manifest)
  const jobs = inlineContributorJobs({ kernel, adapter, random })
  const made = await proveAgreed({ restored, contributorTails: tailsOf(restored), jobs })
  if (made === undefined) return restored.start
  keepBundle(user.id, made.proved.bundle)
  await journals.contributor.proved(made.statement, { all: true })
  return made.statement.end
}

for (const restarted of WHO) {
  test(`settling that is cut after any message is settled when ${named(restarted)}`, async t => {
    for (const messages of BREAKS) {
      for (let cut = 1; ; cut++) {
        const pair = await journaledPair()
        await breakAfter(pair, messages, COURSE)
        const { tamper, onMachines, arrived } = cutter(cut)
        const before = await settle(pair, { restarted: [], tamper, onMachines })
        if (before.user.finished && before.contributor.finished) break
        const { proofs, user, contributor } = await settle(pair, { restarted })
        const where = `broken after ${messages}, cut after ${cut} of ${arrived()}`
        t.deepEqual([user.failure?.stack, contributor.failure?.stack], [undefined, undefined], where)
        t.true(user.finished && contributor.finished, where)
        t.is(proofs.at(-1)?.end ?? 0, user.accepted, where)
      }
    }
  })
}

for (const restarted of [[], ['user']] as const) {
  test(`a session that the contributor has proved alone is settled when ${named(restarted)}`, async t => {
    for (let messages = 1; ; messages++) {
      const pair = await journaledPair()
      if ((await breakAfter(pair, messages, COURSE)) < messages) break
      if ((await pair.journals.user.load()).length === 0) continue
      const end = await alone(pair)
      if (end === 0) continue
      // Who has proved alone knows no more than its journal.
      const { proofs, user, contributor } = await settle(pair, { restarted: [...restarted, 'contributor'] })
      t.deepEqual([user.failure?.stack, contributor.failure?.stack], [undefined, undefined], `after ${messages}`)
      t.true(user.finished && contributor.finished, `after ${messages}`)
      t.is(proofs.at(-1)?.end, end, `after ${messages}`)
    }
  })
}
