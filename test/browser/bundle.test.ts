/** The portable subpaths run where there is nothing of Node. */
import test from 'ava'
import { build } from 'esbuild'
import vm from 'node:vm'
import { encodeProofFile } from '../../src/proof/index.js'
import { flip, honestBundle, register } from '../proof/fixture.js'

/** What every browser has, and nothing else. */
function page(): vm.Context {
  const { crypto, performance, TextEncoder, TextDecoder, WebAssembly, atob } = globalThis as unknown as Record<string, unknown>
  return vm.createContext({ crypto, performance, TextEncoder, TextDecoder, WebAssembly, atob })
}

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'zklora',
    logLevel: 'silent'
  })
  return outputFiles[0]!.text
}

test('zklora/verify bundles for a browser without a built-in of Node, and verifies a proof file there', async t => {
  const code = await bundle("export * from 'zklora/verify'")
  t.notRegex(code, /(from|require\()\s*["']node:/)
  const { adapter } = register('browser')
  const file = encodeProofFile({ manifest: adapter.manifest.bytes, bundles: [honestBundle(adapter, 'browser').bundle] })
  const context = page()
  vm.runInContext(code, context)
  const verify = (bytes: Uint8Array): { verdict: string; error: string | null } => {
    context['bytes'] = [...bytes]
    return JSON.parse(vm.runInContext("JSON.stringify(zklora.verifyProofFile('dropped', Uint8Array.from(bytes)))", context) as string)
  }
  t.like(verify(file), { verdict: 'valid', error: null })
  t.like(verify(flip(file, file.length - 40)), { verdict: 'invalid' })
  t.like(verify(file.subarray(0, 100)), { verdict: 'unchecked' })
})

for (const name of ['zklora/proof', 'zklora/kernel', 'zklora/lora', 'zklora/session']) {
  test(`${name} bundles for a browser and loads there`, async t => {
    const context = page()
    const code = await bundle(`export * from '${name}'`)
    t.notRegex(code, /(from|require\()\s*["']node:/)
    vm.runInContext(code, context)
    t.true((vm.runInContext('Object.keys(zklora).length', context) as number) > 3)
  })
}
