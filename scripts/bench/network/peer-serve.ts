/** The other process of `serve`: a node of the product that contributes the demo's adapter. Usage: peer-serve.js DATA_DIR */
import { generateIdentity } from '../../../src/index.js'
import { createNode } from '../../../src/roles/node.js'
import { adapterFolder, BASE } from '../../demo/network.js'

const node = await createNode({
  dataDir: process.argv[2]!,
  privateKey: await generateIdentity(),
  roles: ['contributor'],
  listen: ['/ip4/127.0.0.1/tcp/0'],
  privateAddresses: true,
  // Sessions that the bench breaks off keep their place for a moment.
  limits: { sessionsPerPeer: 64 }
})
const { id } = await node.addAdapter({ folder: adapterFolder('kjv-llama'), base: BASE, mode: 'open' })
process.stdout.write(`${JSON.stringify({ type: 'ready', target: `${id}@${node.multiaddrs()[0]}` })}\n`)
await new Promise<void>(resolve => process.once('SIGINT', () => resolve()))
await node.stop()
process.exit()
