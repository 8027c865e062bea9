/**
 * zklora: peer-to-peer inference with private LoRA adapters, proven in zero knowledge.
 *
 *     import { createNode, generateIdentity, verifyProofFile } from 'zklora'
 *
 *     const node = await createNode({ dataDir: './data', privateKey: await generateIdentity(), roles: ['user'], bootstrap: [address] })
 *     const { text, sessions } = await node.generate({ base: 'models/novels', adapters: ['shakespeare'], prompt: 'My dear sir,' })
 *     await writeFile('session.zkproof', await node.exportProof(sessions[0].root))
 *     await node.stop()
 *
 *     const report = verifyProofFile('session.zkproof', await readFile('session.zkproof')) // needs no node
 *
 * `LoRAServer`, `BaseModelClient` and `batchVerifyProofs` are the same with the names of the field's first system.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

export * from './errors.js'
export { BaseModelClient, type BaseModelClientOptions } from './library/base-model-client.js'
export { type BatchVerification, batchVerifyProofs } from './library/batch-verify.js'
export {
  type ActivationCommitment,
  type ActivationOpening,
  commitActivations,
  type CommitActivationsOptions,
  verifyCommitment
} from './library/commitments.js'
export { type CollectedProof, type InjectionPoint, LoRAServer, type LoRAServerOptions } from './library/lora-server.js'
export { LowRankQuantizer } from './library/low-rank-quantizer.js'
export { generateProofsOptimizedParallel, type ParallelOptions, type ProofTask } from './library/prove-parallel.js'
export { createNode } from './roles/node.js'
export type { NodeJobs, NodeLimits, NodeOptions } from './roles/options.js'
export { libp2pDefaults, type ZkloraInit, type ZkloraService, zklora } from './roles/service.js'
export type * from './roles/types.js'
export { verifyFile as verifyProofFile, type VerifyFileOptions } from './browser/verify-file.js'
export { VERSION } from './roles/version.js'

/** A new Ed25519 key for `createNode`: who a node is. Keep it as you would keep a password. */
export function generateIdentity(): Promise<PrivateKey> {
  return generateKeyPair('Ed25519')
}
