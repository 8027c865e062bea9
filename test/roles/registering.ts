/** A process that registers an adapter and tells each step, to be killed on the way: node registering.js FOLDER ADAPTER BASE. */
import { createNode, generateIdentity } from '../../src/index.js'

const [, , dataDir, folder, base] = process.argv as unknown as [string, string, string, string, string]
const node = await createNode({ dataDir, privateKey: await generateIdentity(), roles: [] })
await node.addAdapter({ folder, base }, { onProgress: event => process.stdout.write(`${JSON.stringify(event)}\n`) })
process.stdout.write('registered\n')
