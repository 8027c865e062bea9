export { checkEvidence, type CheckedEvidence, type CheckEvidenceInit, evidenceId } from './check.js'
export {
  decodeEvidence,
  encodeEvidence,
  EVIDENCE_BYTES,
  EVIDENCE_KINDS,
  type EvidenceBody,
  type EvidenceKind,
  type FeedFork,
  type InvalidBundle,
  type TailContradiction
} from './codec.js'
export { type EvidenceInfo, type EvidenceLimits, Evidences } from './kept.js'
export { contradictionOf, feedForkOf, invalidBundleOf } from './make.js'
