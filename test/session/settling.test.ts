/** A session that breaks anywhere is settled, whichever side has restarted: what both signed is proved, and nothing is signed twice in two ways. */
import test from 'ava'
import { toHex } from '../../src/bytes.js'
import { MemoryDatastore } from 'datastore-core'
import { Counters } from '../../src/counters.js'
import { NET_LIMITS } from '../../src/limits.js'
import { openedRecord } from '../../src/session/index.js'
import { Store } from '../../src/store/index.js'
import { makePair } from './pair.js'
import { breakAfter, type JournaledPair, journaledPair, settle } from './settling.js'

/** Two rows of three groups, three times. */
const ROWS = 18

for (const restarted of [[], ['user'], ['contributor'], ['user', 'contributor']] as const) {
  const who = restarted.length === 0 ? 'nobody has' : `${restarted.join(' and ')} ${restarted.length === 1 ? 'has' : 'have'}`
  test(`a session that breaks after any message is settled when ${who} restarted`, async t => {
    for (let messages = 1; ; messages++) {
      const pair = await journaledPair()
      const arrived = await breakAfter(pair, messages)
      if (arrived < messages) break
      const records = await pair.journals.user.load()
      if (records.length === 0) continue
      const { proofs, user, contributor } = await settle(pair, { restarted })
      t.is(user.failure, undefined, `after ${messages}: ${user.failure?.stack}`)
      t.is(contributor.failure, undefined, `after ${messages}: ${contributor.failure?.stack}`)
      t.true(user.finished && contributor.finished)
      const proved = proofs.at(-1)?.end ?? 0
      t.true(proved >= pair.user.accepted - (restarted.length > 0 ? ROWS : 0), `after ${messages} ${proved} rows are proved`)
      t.log(
        `${messages}: accepted ${pair.user.accepted} answered ${pair.user.answeredRows} → proved ${proved}${proofs.at(-1)?.whole ? ' whole' : ''}`
      )
    }
  })
}

test('rows of a batch that could not be written down are settled: it was signed, and has not left', async t => {
  // The second batch of the contributor comes to a full disk.
  let writes = 0
  const pair: JournaledPair = await journaledPair({
    contributor: {
      journal: {
        append: async record => {
          if (++writes === 2) throw new Error('the disk is full')
          await pair.journals.contributor.append(record)
        }
      }
    }
  })
  await breakAfter(pair, Infinity)
  t.regex(pair.user.failure!.message, /internal error/)
  for (const restarted of [[], ['user']] as const) {
    const { proofs, user, contributor } = await settle(pair, { restarted })
    t.is(contributor.failure, undefined)
    t.is(user.failure, undefined)
    if (restarted.length === 0) t.is(proofs.at(-1)?.end, pair.user.answeredRows)
  }
})

test('what was signed in a session that nobody settles is kept for 30 days, and not longer', async t => {
  let now = 1_800_000_000_000
  const counters = new Counters()
  const store = await Store.open({ datastore: new MemoryDatastore(), counters, now: () => now })
  for (const _ of [0, 1]) {
    const { terms, id } = makePair().contributor
    await store.journals.of(id).append(openedRecord(terms))
    now += NET_LIMITS.keptJournalAge
  }
  now -= NET_LIMITS.keptJournalAge
  t.is(await store.journals.expire(NET_LIMITS.keptJournalAge), 0)
  now++
  t.is(await store.journals.expire(NET_LIMITS.keptJournalAge), 1)
  t.is((await store.journals.list()).length, 1)
  // And in a process that runs on: with the next session that is opened.
  now += NET_LIMITS.keptJournalAge
  const { terms, id } = makePair().contributor
  await store.journals.of(id).append(openedRecord(terms))
  t.deepEqual(
    (await store.journals.list()).map(({ session }) => session),
    [toHex(id)]
  )
  t.deepEqual(counters.limits.all(), { keptJournalAge: 2 })
})
