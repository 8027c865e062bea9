/**
 * The verifier for browsers and every other runtime: no node, no network, nothing of Node.
 *
 *     import { verifyProofFile } from 'zklora/verify'
 *
 *     const report = verifyProofFile(file.name, new Uint8Array(await file.arrayBuffer()))
 *     console.log(report.verdict, report.ranges)
 *
 * It needs WebAssembly with SIMD and `crypto.getRandomValues`; a page should run it in a worker, since it blocks for its milliseconds.
 */
export * from '../errors.js'
export type { AdapterInfo, AdapterModuleInfo, Hex, OpenedRow, ProofRange, VerifyReport } from './report.js'
export { verifyFile as verifyProofFile, type VerifyFileOptions } from './verify-file.js'
