/** Does an announcement tell the truth about its bundle? */
import { equal } from '../bytes.js'
import { InvalidProofError } from '../errors.js'
import { encodeDelegation, type VerifiedProof } from '../proof/index.js'
import { announcedOwner, type Announcement, encodeDelegation as encodeAnnounced } from '../wire/announcement.js'

const MILLISECONDS = 1000n
/** Seconds by which a session may have started after its announcement, by two clocks. */
const STARTED_SKEW = 600n

/**
 * Whether an announcement fits its bundle (protocols/announce).
 * @throws InvalidProofError step `announcement`, naming the first field that the bundle contradicts
 */
export function checkStatement(announcement: Announcement, proof: VerifiedProof): void {
  const { statement, delegation, time } = announcement
  const ours = delegation === null ? new Uint8Array(0) : encodeAnnounced(delegation)
  const theirs = proof.context.delegation === undefined ? new Uint8Array(0) : encodeDelegation(proof.context.delegation)
  const fields: readonly (readonly [string, boolean])[] = [
    ['digest', equal(statement.digest, proof.digest)],
    ['session', equal(statement.session, proof.session)],
    ['adapter', equal(statement.adapter, proof.adapter)],
    ['base model', equal(statement.base, proof.base)],
    ['rows', statement.start === proof.start && statement.end === proof.end],
    ['public hash before its rows', equal(statement.publicStart, proof.publicStart)],
    ['public hash after its rows', equal(statement.publicEnd, proof.publicEnd)],
    ['root', equal(statement.root, proof.root)],
    ['length', statement.length === proof.bundleBytes],
    ['user key', equal(statement.userKey, proof.userKey)],
    ['contributor key', equal(statement.contributorKey, proof.contributorKey)],
    ['owner', equal(announcedOwner(announcement), proof.owner)],
    ['delegation', equal(ours, theirs)]
  ]
  const wrong = fields.find(([, fits]) => !fits)
  if (wrong !== undefined) throw new InvalidProofError('announcement', `the ${wrong[0]} that it tells is not that of its bundle`)
  const { started } = proof.context
  if (started > time / MILLISECONDS + STARTED_SKEW) {
    throw new InvalidProofError('announcement', `its time is ${time} ms, and its session started later, at ${started} s`)
  }
}
