/**
 * The demo's cheats, each a process of its own: a contributor whose weights are not those that it advertised, and a user who
 * signs whatever it gets. Both run the real node; only what a liar controls, its own arithmetic, is replaced.
 * Usage: cheat.js contributor|user DATA_DIR BOOTSTRAP BASE ADAPTER
 */
import { loadIdentity } from '../../src/roles/identity.js'
import { wasmKernel } from '../../src/kernel/index.js'
import {
  decodeBundle,
  merkleRoot,
  sumCommitments,
  type CommittedAdapter,
  type VerifiedManifest,
  type VerifiedProof
} from '../../src/proof/index.js'
import { createNode } from '../../src/roles/node.js'
import { inlineContributorJobs, inlineUserJobs, type ContributorJobs, type UserJobs } from '../../src/session/index.js'
import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'

const kernel = wasmKernel()
const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))
const say = (line: unknown): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)

/** One weight of A and one of B in each module is another than the committed one. */
function otherWeights(adapter: CommittedAdapter): ContributorJobs {
  const changed = (weights: Int16Array): Int16Array => weights.map((weight, i) => (i === 0 ? weight - Math.sign(weight || 1) : weight))
  const groups = adapter.quantized.groups.map(group => ({
    ...group,
    modules: group.modules.map(module => ({ ...module, a: changed(module.a), b: changed(module.b) }))
  }))
  return inlineContributorJobs({ kernel, random, adapter: { ...adapter, quantized: { ...adapter.quantized, groups } } })
}

/** Opens nothing, verifies nothing. */
function careless(manifest: VerifiedManifest): UserJobs {
  return {
    ...inlineUserJobs({ kernel, random, manifest }),
    checkOutputs: async ({ commitments, x }) => sumCommitments(kernel, x, commitments),
    verify: async bytes => {
      const { statement, digest, length } = decodeBundle(bytes, manifest)
      const { context, session, start, end, rows, groups, userTail, contributorTail, publicStart, publicEnd } = statement
      const facts = {
        ...{ session, context, adapter: context.adapter, base: context.base, owner: manifest.owner },
        ...{
          contributorKey: context.contributorKey,
          userKey: context.userKey,
          start,
          end,
          publicStart,
          publicEnd,
          userTail,
          contributorTail
        },
        rowsPerGroup: groups.map(group => ({ group: group.index, rows: group.rows })),
        ...{ complete: true, whole: true, root: merkleRoot(session, rows), digest, bundleBytes: length }
      }
      return facts as unknown as VerifiedProof
    }
  }
}

const [role, dataDir, bootstrap, base, adapter] = process.argv.slice(2) as [string, string, string, string, string]
await mkdir(dataDir, { recursive: true, mode: 0o700 })
const { key } = await loadIdentity(join(dataDir, 'peer.key'))
const node = await createNode({
  dataDir,
  privateKey: key,
  roles: [role as 'contributor' | 'user'],
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap: [bootstrap],
  privateAddresses: true,
  jobs: { contributor: otherWeights, user: careless }
})
const interrupted = new Promise<void>(resolve => process.once('SIGINT', () => resolve()))
if (role === 'contributor') {
  const info = await node.addAdapter({ folder: adapter, base, name: 'changed-llama', mode: 'open' })
  say({ type: 'ready', peerId: node.peerId, multiaddrs: node.multiaddrs(), adapter: info.id })
  await interrupted
} else {
  const result = await node.generate({ prompt: 'Once', base, adapters: [adapter], maxNewTokens: 2 })
  say({ type: 'result', result })
}
await node.stop()
