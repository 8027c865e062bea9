/** A worker thread of a node: the work of sessions and verifiers, with a kernel of its own. */
import { verifyFile } from '../browser/verify-file.js'
import { serveJobs, wasmKernel } from '../kernel/index.js'
import type { Random } from '../proof/index.js'
import { sessionModule } from '../session/index.js'
import { nodePort } from './threads.js'
import { checkEvidence } from '../store/index.js'
import { useNodeEd25519 } from './ed25519.js'
import { EVIDENCE_JOB, type EvidenceJob, FILE_JOB, type FileJob } from './workers.js'

useNodeEd25519()
const kernel = wasmKernel()
const random: Random = bytes => crypto.getRandomValues(new Uint8Array(bytes))
const { open, jobs } = sessionModule({ kernel, random })
const files = ({ source, bytes }: FileJob): { value: unknown } => ({ value: verifyFile(source, bytes, { kernel, random }) })

const evidence = ({ bytes, ...known }: EvidenceJob): { value: unknown } => ({ value: checkEvidence(bytes, { kernel, random, ...known }) })

serveJobs(nodePort(), { open, jobs: { ...jobs, [FILE_JOB]: files, [EVIDENCE_JOB]: evidence } })
