/** A user signs for one bundle only: that which was offered, about exactly its own rows, and which verifies. */
import test from 'ava'
import { InvalidProofError } from '../../src/errors.js'
import { signTail, type VerifiedProof } from '../../src/proof/index.js'
import { encodeMessage, inlineUserJobs, type Message } from '../../src/session/index.js'
import { integers, kernel, OWNER_SECRET, seeded, USER_SECRET } from '../proof/fixture.js'
import { bundleOf, carryPair, makePair, random, serve, type Tamper } from '../session/pair.js'

const other = new Uint8Array(32).fill(7)

/** The user's judgement of changed proofs, at the moment when it would sign for the right one. */
async function judged(
  changes: Readonly<Record<string, (proof: VerifiedProof) => object>>,
  tamper?: Tamper
): Promise<{ refused: string[]; signs: boolean }> {
  const pair = makePair()
  const { user, contributor, registered } = pair
  const carried = carryPair(pair, tamper)
  const served = serve(contributor).catch(() => {})
  const { dIn } = registered.manifest.groups[0]!
  await user.request(0, 0, integers(seeded('receipts'), 2 * dIn, 32767))
  await user.close()
  const proof = await inlineUserJobs({ kernel, manifest: registered.manifest, random }).verify(bundleOf(user))
  const refused = Object.keys(changes).filter(name => {
    try {
      user.checkBundle({ ...proof, ...changes[name]!(proof) } as VerifiedProof)
      return false
    } catch (error) {
      return error instanceof InvalidProofError && error.step === 'session'
    }
  })
  let signs = true
  try {
    user.accept(proof)
    await user.announcement()
  } catch {
    signs = false
    user.decline(19)
    user.fail(new Error('over'))
  }
  await Promise.all([carried, served])
  return { refused, signs }
}

const tail = (role: 'user' | 'contributor', proof: VerifiedProof): object => {
  const [name, secretKey] = role === 'user' ? (['userTail', USER_SECRET] as const) : (['contributorTail', OWNER_SECRET] as const)
  // Of the same counts and hashes, and not the one that was exchanged.
  return { [name]: signTail({ secretKey, role, session: proof.session, tail: { ...proof[name], privateHash: other } }) }
}

const CHANGES: Readonly<Record<string, (proof: VerifiedProof) => object>> = {
  'another session': () => ({ session: other }),
  'a later start': () => ({ start: 1 }),
  'an earlier end': ({ end }) => ({ end: end - 1 }),
  'a session that is not whole': () => ({ whole: false }),
  'another public hash': () => ({ publicEnd: other }),
  'another root': () => ({ root: other }),
  'another digest': () => ({ digest: other }),
  'another length': ({ bundleBytes }) => ({ bundleBytes: bundleBytes + 1 }),
  'another tail of the user': proof => tail('user', proof),
  'another tail of the contributor': proof => tail('contributor', proof)
}

test('a verified bundle that differs in anything from the session and its offer gets no receipt', async t => {
  t.deepEqual(await judged(CHANGES), { refused: Object.keys(CHANGES), signs: true })
})

/** The contributor's offer names another bundle than the session's. */
const offering =
  (change: Partial<(Message & { kind: 'proof' })['value']>): Tamper =>
  (message, _from, bytes) =>
    message.kind === 'proof' ? [encodeMessage({ proof: { ...message.value, ...change } })] : [bytes]

test('an offer of another root gets no receipt, neither for the session’s bundle nor for one of that root', async t => {
  const found = await judged({ 'that root': () => ({ root: other }) }, offering({ root: other }))
  t.deepEqual(found, { refused: ['that root'], signs: false })
})

test('an offer of another digest or length gets no receipt', async t => {
  for (const change of [{ digest: other }, { length: 1 }]) t.is((await judged({}, offering(change))).signs, false)
})
