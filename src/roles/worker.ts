/** A worker thread of a node: the work of sessions, with a kernel of its own. */
import { serveJobs, wasmKernel } from '../kernel/index.js'
import { sessionModule } from '../session/index.js'
import { nodePort } from './threads.js'

serveJobs(nodePort(), sessionModule({ kernel: wasmKernel(), random: bytes => crypto.getRandomValues(new Uint8Array(bytes)) }))
