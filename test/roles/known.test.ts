import test, { type ExecutionContext } from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { NotFoundError } from '../../src/errors.js'
import { verifyFile } from '../../src/browser/verify-file.js'
import { KnownProofs } from '../../src/roles/known.js'
import { Store } from '../../src/store/index.js'
import { verdict } from '../daemon/small-node.js'

/** A node that heard of two sessions and could not have their bundles. */
async function hearsay(t: ExecutionContext, error: Error): Promise<KnownProofs> {
  const store = await Store.open({ datastore: new MemoryDatastore() })
  t.teardown(() => store.close())
  await store.verdicts.put({ ...verdict, verdict: 'unavailable' })
  await store.verdicts.put({
    ...verdict,
    verdict: 'announced',
    session: `${verdict.session.slice(0, 32)}${'7'.repeat(32)}`,
    digest: '7'.repeat(64),
    root: '8'.repeat(64)
  })
  const verifier = { manifest: () => Promise.reject(error), bundle: () => Promise.reject(error) }
  return new KnownProofs({ store, verifyFile: async (source, bytes) => verifyFile(source, bytes), verifier })
}

test('a proof that is not to be had is not checked, and says why', async t => {
  const known = await hearsay(t, new NotFoundError('nobody holds it'))
  t.like(await known.verify(verdict.root.slice(0, 10)), { verdict: 'unchecked', error: 'nobody holds it', source: verdict.session })
  t.like(await known.verify('7'.repeat(64)), { verdict: 'unchecked' })
})

test('a session that was only heard of cannot be exported', async t => {
  const known = await hearsay(t, new NotFoundError('nobody holds it'))
  await t.throwsAsync(known.exportProof(verdict.digest), {
    name: 'NotFoundError',
    message: /is known, but its proof is not kept here: zklora verify/
  })
})

test('digits that begin two sessions are refused with both', async t => {
  const known = await hearsay(t, new NotFoundError('nobody holds it'))
  await t.throwsAsync(known.verify(verdict.session.slice(0, 8)), {
    name: 'InvalidInputError',
    message: /may be session [0-9a-f]{64} or [0-9a-f]{64}: give more digits/
  })
})

test('a fault of ours is no verdict, and a cancelled verification none either', async t => {
  const known = await hearsay(t, new TypeError('a bug'))
  await t.throwsAsync(known.verify(verdict.digest), { name: 'TypeError' })
  const reason = new Error('enough')
  await t.throwsAsync(known.verify(verdict.digest, { signal: AbortSignal.abort(reason) }), { is: reason })
})
