/** The node behind a `LoRAServer` or `BaseModelClient`: one that the caller runs already, or one of its own. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadIdentity } from '../roles/identity.js'
import { createNode } from '../roles/node.js'
import type { NodeOptions } from '../roles/options.js'
import type { Role, ZkloraNode } from '../roles/types.js'

export interface OwnNodeOptions extends Partial<Omit<NodeOptions, 'roles'>> {
  /** A node that runs already, with the role that is needed; it is not stopped here. The other settings are its own. */
  node?: ZkloraNode | undefined
}

export interface OwnNode {
  readonly node: ZkloraNode
  /** Stops the node, if it is not the caller's. */
  close(): Promise<void>
}

/**
 * A node for one purpose. With a `dataDir` its identity and store are kept there (as `zklora start --data-dir` keeps them); without,
 * they are made for this run and removed by `close`.
 */
export async function ownNode({ node, dataDir, privateKey, ...options }: OwnNodeOptions, roles: readonly Role[]): Promise<OwnNode> {
  if (node !== undefined) return { node, close: async () => {} }
  const folder = dataDir === undefined ? await mkdtemp(join(tmpdir(), 'zklora-')) : resolve(dataDir)
  const remove = async (): Promise<void> => {
    if (dataDir === undefined) await rm(folder, { recursive: true, force: true })
  }
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const key =
      privateKey ?? (dataDir === undefined ? await generateKeyPair('Ed25519') : (await loadIdentity(join(folder, 'peer.key'))).key)
    const made = await createNode({ ...options, dataDir: folder, privateKey: key, roles })
    return {
      node: made,
      async close() {
        await made.stop()
        await remove()
      }
    }
  } catch (error) {
    await remove()
    throw error
  }
}
