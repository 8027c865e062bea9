/** A user that breaks no rule of the messages, but wants more of a contributor's time or memory than it pays for. */
import test from 'ava'
import { ProtocolViolationError } from '../../src/errors.js'
import type { Tail } from '../../src/proof/index.js'
import type { ContributorSession, UserSession } from '../../src/session/index.js'
import { integers, seeded } from '../proof/fixture.js'
import { carryPair, makePair, serve, smallAdapter } from '../session/pair.js'

const { manifest } = smallAdapter()
const inputs = seeded('floods')
const row = (): Int16Array => integers(inputs, manifest.groups[0]!.dIn, 32767)
const ROW_BYTES = 2 * manifest.groups[0]!.dIn + 8 * manifest.groups[0]!.outputs

/** What the classes keep to themselves. */
interface Inside {
  readonly outbox: { push(priority: 'batch', draft: () => object): void }
  readonly ledger: { seal(batch: object, state: object): Tail }
  readonly condition: { until(test: () => boolean): Promise<void> }
}
const inside = (side: UserSession | ContributorSession): Inside => side as unknown as Inside

/** Signs and sends a batch without rows. */
function sendEmpty(user: UserSession, closed: boolean): void {
  const { outbox, ledger } = inside(user)
  const batch = { firstRow: user.accepted, commitments: new Uint8Array(0), blindings: new Uint8Array(0) }
  outbox.push('batch', () => ({ batch: ledger.seal(batch, { rows: user.answeredRows, accepted: user.accepted, closed }) }))
}

test('batches without rows, which cost two signatures each, are refused', async t => {
  const pair = makePair({ user: { commitRows: 1 } })
  const carried = carryPair(pair)
  await pair.user.request(0, 0, row())
  await inside(pair.user).condition.until(() => pair.user.accepted === 1)
  sendEmpty(pair.user, false)
  await carried
  t.true(pair.contributor.failure instanceof ProtocolViolationError)
  t.regex(pair.contributor.failure!.message, /batch without rows/)
})

test('a session is closed once', async t => {
  const pair = makePair()
  const carried = carryPair(pair)
  const served = serve(pair.contributor)
  served.catch(() => {})
  await pair.user.request(0, 0, row())
  await pair.user.close()
  sendEmpty(pair.user, true)
  await carried
  t.true(pair.contributor.failure instanceof ProtocolViolationError)
  t.regex(pair.contributor.failure!.message, /only one does/)
})

test('who commits to rows without reading the answers gets no further ones', async t => {
  // Two rows pass the bound of one and a half.
  const pair = makePair({ limits: { outstandingBytes: BigInt(Math.ceil(1.5 * ROW_BYTES)) }, user: { commitRows: 2 } })
  const { user, contributor } = pair
  const [fromUser, fromContributor] = [user.outgoing(), contributor.outgoing()]
  const toContributor = async (): Promise<void> => contributor.receive((await fromUser.next()).value!)
  const toUser = async (): Promise<void> => user.receive((await fromContributor.next()).value!)
  const asked = [0, 1, 2, 3].map(position => user.request(0, position, row()))
  for (const request of asked) request.catch(() => {})
  for (let message = 0; message < 5; message++) await toContributor()
  await inside(contributor).condition.until(() => contributor.answeredRows === 2)
  await toUser()
  await toUser()
  // Both batches, of a row each: half of what may be outstanding.
  await toContributor()
  await toContributor()
  await inside(contributor).condition.until(() => contributor.accepted === 2)
  // Whatever an opened batch sets off has been set off.
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setTimeout(resolve, 0))
  t.is(contributor.answeredRows, 2)
  const more = inside(contributor).condition.until(() => contributor.answeredRows > 2)
  await toUser()
  await toUser()
  await t.notThrowsAsync(more)
  user.fail(new Error('enough'))
  contributor.fail(new Error('enough'))
})

test('rows are deleted as soon as they are proved, not when the receipt comes', async t => {
  const pair = makePair()
  const carried = carryPair(pair)
  await pair.user.request(0, 0, row())
  t.is(pair.contributor.heldBytes, 2 * manifest.groups[0]!.dIn)
  const closed = pair.user.close()
  await pair.contributor.prove()
  t.is(pair.contributor.heldBytes, 0)
  pair.user.fail(new Error('enough'))
  await t.throwsAsync(closed, { message: 'enough' })
  await carried
})
