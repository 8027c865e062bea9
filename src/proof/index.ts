/**
 * The proof: manifests, commitments to rows, bundles. Pure: no clock, no file, no network; randomness is passed in.
 * Specified in protocols/notation, protocols/adapter and protocols/bundle.
 */
export * from './types.js'
export { baseModelId } from './adapter/base-model.js'
export { checkScales, contentDigest } from './adapter/content.js'
export { commitAdapter, registerAdapter, type CommitAdapterInit } from './adapter/commit.js'
export { certify, commitModule, type CertifyModuleJob, type CommitModuleJob, type RegistrationJobs } from './adapter/register.js'
export { restoreAdapter, type RestoreAdapterInit } from './adapter/restore.js'
export { decodeManifest } from './adapter/decode.js'
export { certifiedEntries } from './certificate/layout.js'
export { recallManifest, verifyManifest, type VerifyManifestInit } from './adapter/verify.js'
export { decodeBundle, type Bundle } from './bundle/decode.js'
export { decodeProofFile, encodeProofFile, verifyBundles, verifyProofFile, type ProofFile, type VerifiedFile } from './bundle/file.js'
export { decodeRowFile, encodeRowFile, isRowFile, openedRow, type RowFile } from './bundle/row-file.js'
export { merkleRoot } from './bundle/merkle.js'
export { checkOpening, openRow, type CheckOpeningInit, type OpenRowInit } from './bundle/opening.js'
export { prove } from './bundle/prove.js'
export { verify, verifyBatch, type VerifyBatchInit, type VerifyInit, type VerifyItem } from './bundle/verify.js'
export {
  checkInputs,
  checkOutputs,
  commitInputs,
  commitOutputs,
  sumCommitments,
  type CheckInputsInit,
  type CheckOutputsInit,
  type CommitOutputsInit,
  type InputRows,
  type OutputCommitments,
  type OutputRows
} from './rows/commitments.js'
export { decodeContext, encodeContext, SESSION_PROTOCOL, sessionId } from './rows/context.js'
export {
  decodeDelegation,
  DELEGATION_BYTES,
  encodeDelegation,
  readDelegation,
  signDelegation,
  verifyDelegation,
  type DelegationBody
} from './rows/delegation.js'
export { publicNext, publicStart, signTail, verifyTail } from './rows/tail.js'
export { type Ed25519Verify, publicKeyOf, sign, signedBytes, useEd25519, verifySignature } from './signature.js'
export { Transcript } from './transcript.js'
