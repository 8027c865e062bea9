/** Evidence (protocols/evidence): a check that is missing convicts the innocent. */
import { changes, instead, never, without } from './mutation.js'

const CHECKED = changes(
  'src/store/evidence/check.ts',
  ['vectors/evidence', 'store/evidence'],
  never('two announcements are of one feed', '!equal(one.feed, other.feed)'),
  never('two announcements have one index', 'index !== other.announcement.index'),
  never('a tail is signed by the contributor', "!verifyTail({ publicKey: key, role: 'contributor', session, tail })"),
  never('a delegation was not over', 'started > delegation.expiry'),
  never('the owner has delegated', '!verifyDelegation(owner!, adapter, key, delegation)'),
  never('tails of a fork accept as many rows', 'one.accepted !== other.accepted'),
  never('tails of a fork differ in the public hash', 'equal(one.publicHash, other.publicHash)'),
  never('rows after closing come after closing', '!one.closed || other.accepted <= one.accepted'),
  never('the bundle is the one announced', "!equal(hash('zklora/v1/bundle', bundle), statement.digest)"),
  never('the bundle is of this version', 'bundle[0] !== BUNDLE_VERSION'),
  never('the manifest is the adapter’s', '!equal(manifest.id, adapter)'),
  instead('a clock that erred convicts nobody', '{ ...read.announcement, time: ANY_TIME }', 'read.announcement')
)

const KEPT = changes(
  'src/store/evidence/kept.ts',
  ['store/evidence'],
  instead(
    'what convicts outlives its bytes',
    "write.delete(['evidence', id]).putJson(['evidence-info', id], info)",
    "write.delete(['evidence', id]).delete(['evidence-info', id])"
  ),
  instead('an owner’s replicas have one share of the room', 'owner: partyOf(info)', 'owner: key'),
  instead('of an owner’s replicas so many records are kept', 'this.ofReplicas(toHex(owner)).length >= PER_OWNER', 'false'),
  instead(
    'a record that alone convicts an owner is not replaced',
    'info.owners.every(owner => this.convicted.get(owner)!.size > 1)',
    'true'
  ),
  instead('records are bounded', 'while (this.records.size > this.most)', 'while (false)')
)

const SEEN = changes(
  'src/roles/witness.ts',
  ['roles/witness'],
  without('of one that breaks its word few observations wait', ' || ofParty >= WAITING_OF_ONE'),
  without('observations wait within a bound', ' || this.turns.waiting >= WAITING'),
  instead(
    'when there is enough, no more is checked',
    'const bytes = this.isFullOf(key, owner) ? undefined : await make()',
    'const bytes = await make()'
  )
)

export const EVIDENCE = [...CHECKED, ...KEPT, ...SEEN]
