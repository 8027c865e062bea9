/**
 * A contributor: serves one LoRA adapter until Ctrl-C, then waits for the running sessions and keeps their proofs.
 *
 *     node dist/scripts/samples/contributor.js --base MODEL --adapter PEFT_FOLDER [--listen MULTIADDR] [--out FOLDER]
 */
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { LoRAServer } from 'zklora'

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: 'config/demo/models/novels-llama' },
    adapter: { type: 'string', default: 'config/demo/adapters/kjv-llama' },
    listen: { type: 'string', default: '/ip4/127.0.0.1/tcp/0' },
    out: { type: 'string', default: 'proofs' }
  }
})

const server = await LoRAServer.create({
  baseModel: values.base,
  loraModel: values.adapter,
  outDir: values.out,
  listen: [values.listen],
  // On one machine: peers at 127.0.0.1 count. Leave it out on the internet.
  privateAddresses: true
})
for (const { name, dIn, dOut, rank } of server.listLoraInjectionPoints()) console.log(`module ${name}: ${dIn} × ${rank} × ${dOut}`)
for (const address of server.multiaddrs()) console.log(`listening ${address}`)

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
for (const { session, rows, file } of await server.finalizeProofsAndCollect({ signal: AbortSignal.timeout(60_000) })) {
  console.log(`proved ${session.slice(0, 16)}: ${rows} rows, ${file}`)
}
await server.close()
