/** The field's nouns over real nodes: LoRAServer, BaseModelClient, batchVerifyProofs. */
import test, { type ExecutionContext } from 'ava'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseModelClient, type BaseModelClientOptions, batchVerifyProofs, LoRAServer, type LoRAServerOptions } from '../../src/index.js'
import { temporaryFolder } from '../daemon/folders.js'

const LLAMA = 'config/demo/models/novels-llama'
const KJV = 'config/demo/adapters/kjv-llama'
const TEXT = 'And it came to pass in those days'

async function serve(t: ExecutionContext, more: Partial<LoRAServerOptions> = {}): Promise<LoRAServer> {
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const server = await LoRAServer.create({ baseModel: LLAMA, loraModel: KJV, listen, privateAddresses: true, ...more })
  t.teardown(() => server.close())
  return server
}

function client(t: ExecutionContext, more: Partial<BaseModelClientOptions>): BaseModelClient {
  const made = new BaseModelClient({ baseModel: LLAMA, privateAddresses: true, ...more })
  t.teardown(() => made.close())
  return made
}

test.serial('one session serves any number of texts, and ends in one proof that both sides keep and anybody verifies', async t => {
  const folder = await temporaryFolder(t)
  const server = await serve(t, { outDir: join(folder, 'served'), name: 'king james' })
  const points = server.listLoraInjectionPoints()
  t.deepEqual(points[0], { name: 'model.layers.0.self_attn.q_proj', dIn: 128, dOut: 128, rank: 8 })

  const [address] = server.multiaddrs()
  const user = client(t, { contributors: [address!], outDir: join(folder, 'used'), keepRows: true })
  t.deepEqual(
    (await user.initAndPatch()).map(({ name }) => name),
    ['king james']
  )
  await t.throwsAsync(user.initAndPatch(), { name: 'InvalidInputError', message: /patched already/ })
  const first = await user.forwardLoss(TEXT)
  t.is(await user.forwardLoss(TEXT), first, 'a text has one loss')
  const { tokens } = await user.generate('My dear sir,', { maxNewTokens: 2 })
  t.is(tokens.length, 2)
  const broken = await user.generate('My dear sir,', { maxNewTokens: 64 }, { signal: AbortSignal.abort() })
  t.is(broken.finishReason, 'abort', 'a text is broken off, not the session')

  const [proof] = await user.endInference()
  t.like(proof, { state: 'announced', error: null, peer: server.node.peerId })
  await t.throwsAsync(user.forwardLoss(TEXT), { name: 'InvalidInputError', message: /call initAndPatch first/ })
  const [collected] = await server.finalizeProofsAndCollect()
  t.like(collected, { root: proof!.root, rows: proof!.rows })
  t.deepEqual(await readFile(collected!.file!), await readFile(proof!.file!))

  // The last row is shown to somebody, by its user; the contributor keeps nothing that opens one.
  const shown = await user.node!.verifyFile('row', await user.node!.openRow(proof!.root!, proof!.rows - 1))
  t.like(shown, { verdict: 'valid', whole: true, row: { number: proof!.rows - 1 } } as never)
  await t.throwsAsync(server.node.openRow(proof!.root!, 0), {
    name: 'NotFoundError',
    message: /is proved, but what opens it is not kept here/
  })

  // The same client again: another session.
  await user.initAndPatch()
  t.is(await user.forwardLoss(TEXT), first)
  const [second] = await user.endInference()
  t.not(second!.session, proof!.session)
  t.is((await server.finalizeProofsAndCollect()).length, 2)
  t.like(await batchVerifyProofs(join(folder, 'used')), { proofs: 2, valid: 2, invalid: 0, unchecked: 0 })
})

test.serial('contributors by peer, by discovery and by name; replace takes the remote output alone', async t => {
  const server = await serve(t)
  const bootstrap = server.multiaddrs()
  const { peerId } = server.node
  const dataDir = await temporaryFolder(t)
  const losses: number[] = []
  for (const contributors of [undefined, [peerId], ['kjv-llama'], [`${server.adapter.id}@${peerId}`]]) {
    const user = client(t, { contributors, bootstrap, dataDir })
    await user.initAndPatch()
    losses.push(await user.forwardLoss(TEXT))
    t.is((await user.endInference())[0]!.file, null)
    await user.close()
  }
  t.is(new Set(losses).size, 1)
  t.true(existsSync(join(dataDir, 'peer.key')), 'an identity of a data folder is kept there')

  const alone = client(t, { contributors: [] })
  await alone.initAndPatch()
  const base = await alone.forwardLoss(TEXT)
  t.true(losses[0]! < base)
  t.deepEqual(await alone.endInference(), [])

  const replaced = client(t, { bootstrap, combineMode: 'replace' })
  await replaced.initAndPatch()
  t.true((await replaced.forwardLoss(TEXT)) > base, 'without the base outputs of its modules the model is worse')
})

test.serial('a data folder keeps the adapter over restarts, and one registered on other terms takes its place', async t => {
  const dataDir = await temporaryFolder(t)
  const adapters: string[] = []
  const made: number[] = []
  for (const limitRows of [undefined, undefined, 5]) {
    const server = await serve(t, { dataDir, limitRows })
    adapters.push(server.adapter.id)
    made.push((await server.node.listAdapters()).length)
    await server.close()
  }
  t.is(adapters[1], adapters[0])
  t.not(adapters[2], adapters[0])
  t.deepEqual(made, [1, 1, 1])
})

test.serial('what the server applies is A·B in the integers of a session', async t => {
  const server = await serve(t)
  const module = server.listLoraInjectionPoints()[0]!
  const rows = Float32Array.from({ length: 2 * module.dIn }, (_, i) => Math.sin(i))
  const both = await server.applyLora(module.name, rows)
  t.is(both.length, 2 * module.dOut)
  const one = await server.applyLora(module.name, rows.subarray(module.dIn))
  t.deepEqual(both.subarray(module.dOut), one)
  t.deepEqual(await server.applyLora(module.name, new Float32Array(module.dIn)), new Float32Array(module.dOut))
  await t.throwsAsync(server.applyLora('lm_head', rows), { name: 'NotFoundError', message: /no module lm_head; it has model\.layers/ })
  await t.throwsAsync(server.applyLora(module.name, new Float32Array(5)), { name: 'InvalidInputError', message: /have 128 entries/ })
  await t.throwsAsync(server.node.applyAdapter('ab'.repeat(32), module.name, rows), { name: 'NotFoundError' })
})

test.serial('what cannot be had is refused with what to do, and leaves nothing behind', async t => {
  const server = await serve(t)
  await t.throwsAsync(LoRAServer.create({ baseModel: LLAMA, loraModel: LLAMA }), { message: /adapter_config\.json/ })
  const nobody = client(t, { contributors: ['kjv-llama'] })
  await t.throwsAsync(nobody.initAndPatch(), { name: 'NotFoundError', message: /connected to nobody/ })
  const other = client(t, { baseModel: 'config/demo/models/novels-gpt2', contributors: [server.multiaddrs()[0]!] })
  await t.throwsAsync(other.initAndPatch(), { name: 'NotFoundError', message: /does not serve an adapter/ })
  // The user may know of the session before the server has noted it.
  const watching = new AbortController()
  t.teardown(() => watching.abort())
  const noted = new Promise<void>(resolve => {
    void server.node.watch({ signal: watching.signal, onProgress: event => event.type === 'session' && resolve() })
  })
  await client(t, { contributors: [server.multiaddrs()[0]!] }).initAndPatch()
  await noted
  const stopped = new AbortController()
  const waiting = server.finalizeProofsAndCollect({ signal: stopped.signal })
  stopped.abort(new Error('enough'))
  await t.throwsAsync(waiting, { message: 'enough' }, 'a session is still open')
})

test('a folder of proofs: each file has its verdict', async t => {
  const folder = await temporaryFolder(t)
  t.like(await batchVerifyProofs(folder), { proofs: 0, reports: [] })
  await t.throwsAsync(batchVerifyProofs(join(folder, 'none')), { name: 'InvalidInputError', message: /cannot be read \(ENOENT: / })
  await writeFile(join(folder, 'b.zkproof'), 'no proof')
  await mkdir(join(folder, 'a.zkproof'))
  await copyFile('package.json', join(folder, 'notes.json'))
  const { reports, ...counts } = await batchVerifyProofs(folder)
  t.like(counts, { proofs: 2, valid: 0, invalid: 0, unchecked: 2 })
  t.regex(reports[0]!.error!, /cannot be read \(EISDIR: /)
  t.regex(reports[1]!.error!, /proof file/)
  t.is((await readdir(folder)).length, 3, 'nothing is written')
  await t.throwsAsync(batchVerifyProofs(folder, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
})
