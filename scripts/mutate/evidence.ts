/** Evidence (protocols/evidence): a check that is missing convicts the innocent. */
import { changes, instead, never } from './mutation.js'

export const EVIDENCE = changes(
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
