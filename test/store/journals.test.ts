/** What journals take on the disk is known without reading them. */
import { MemoryDatastore } from 'datastore-core'
import test from 'ava'
import { inlineUserJobs, type JournalRecord, openedRecord } from '../../src/session/index.js'
import { Store } from '../../src/store/index.js'
import { integers, kernel, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, type Pair, random, serve, smallAdapter } from '../session/pair.js'

const { manifest } = smallAdapter()
const x = (count: number): Int16Array => integers(seeded('journals'), count * manifest.groups[0]!.dIn, 32767)

/** Of all records and rows, by walking through them. */
async function walked(datastore: MemoryDatastore): Promise<number> {
  let bytes = 0
  for (const kind of ['journal', 'journal-rows']) {
    for await (const { value } of datastore.query({ prefix: `/zklora/${kind}/` })) bytes += value.length
  }
  return bytes
}

/** A session whose contributor writes its journal to a store. @param onRecord told of each record that is written */
function journalling(store: Store, onRecord: (record: JournalRecord) => Promise<void> | void): Pair {
  const pair: Pair = makePair({
    user: { commitRows: 2 },
    contributor: {
      journal: {
        append: async record => {
          await store.journals.of(pair.contributor.id).append(record)
          await onRecord(record)
        }
      }
    }
  })
  return pair
}

test('the bytes of journals are those of their records, after every change and after a restart', async t => {
  const datastore = new MemoryDatastore()
  const store = await Store.open({ datastore })
  const sizes: number[] = []
  const check = async (): Promise<void> => {
    const { journals } = store.sizes()
    t.is(journals, await walked(datastore))
    t.is((await Store.open({ datastore })).sizes().journals, journals)
    sizes.push(journals!)
  }
  const pair = journalling(store, check)
  const { contributor, user } = pair
  const journal = store.journals.of(contributor.id)
  const other = store.journals.of(new Uint8Array(32))
  await other.append(openedRecord(makePair().contributor.terms))
  await check()
  await journal.append(openedRecord(contributor.terms))
  await check()
  const served = serve(contributor)
  const carried = carryPair(pair)
  for (const _ of [1, 2, 3]) await user.request(0, 0, x(2))
  await finish(user, inlineUserJobs({ kernel, manifest, random }))
  const proved = (await served)!
  await carried
  t.true(sizes.length >= 4 && sizes.every((size, n) => n === 0 || size > sizes[n - 1]!), 'it grows')
  const whole = contributor.statementOf(proved)
  // As after two bundles of a session that broke: the rows of the first go alone.
  for (const [end, all] of [
    [2, false],
    [whole.end, true]
  ] as const) {
    await journal.proved({ ...whole, end }, { all })
    await check()
    t.true(sizes.at(-1)! < sizes.at(-2)!, `rows up to ${end} go`)
  }
  await journal.settled()
  await check()
  await journal.remove()
  await check()
  t.is(sizes.at(-1), sizes[0])
  await other.remove()
  await other.remove()
  await check()
  t.is(sizes.at(-1), 0)
})

test('rows that are settled without a proof go, and are counted no more', async t => {
  const datastore = new MemoryDatastore()
  const store = await Store.open({ datastore })
  const pair = journalling(store, ({ kind }) => {
    if (kind === 'contributor batch') pair.contributor.fail(new Error('the line is cut'))
  })
  const journal = store.journals.of(pair.contributor.id)
  await journal.append(openedRecord(pair.contributor.terms))
  const carried = carryPair(pair)
  pair.user.request(0, 0, x(2)).catch(() => {})
  await carried
  const before = store.sizes().journals!
  await journal.settled()
  t.true(store.sizes().journals! < before)
  t.is(store.sizes().journals, await walked(datastore))
})
