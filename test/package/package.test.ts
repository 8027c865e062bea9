/** What people install. */
import test from 'ava'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { packed, run } from './packed.js'

const SUBPATHS = {
  zklora: ['createNode', 'LoRAServer', 'BaseModelClient', 'batchVerifyProofs', 'verifyProofFile'],
  'zklora/verify': ['verifyProofFile', 'InvalidProofError'],
  'zklora/proof': ['prove', 'verify', 'verifyManifest', 'commitAdapter'],
  'zklora/kernel': ['wasmKernel', 'nobleKernel'],
  'zklora/lora': ['quantizeAdapter', 'readPeftAdapter']
}

/** Types are used where a wrong one would not compile. */
const CONSUMER = `
import { createNode, LoRAServer, type BatchVerification, batchVerifyProofs, type NodeOptions } from 'zklora'
import { verifyProofFile, type VerifyReport } from 'zklora/verify'
import { verifyManifest } from 'zklora/proof'
import { wasmKernel, type Kernel } from 'zklora/kernel'
import { quantizeAdapter } from 'zklora/lora'

const report: VerifyReport = verifyProofFile('x', new Uint8Array(3))
export const verdict: 'valid' | 'invalid' | 'unchecked' = report.verdict
export const kernel: Kernel = wasmKernel()
export async function all(options: NodeOptions): Promise<BatchVerification> {
  await (await createNode(options)).stop()
  // @ts-expect-error: a folder is a string
  await batchVerifyProofs(5)
  return batchVerifyProofs('proofs')
}
export { LoRAServer, quantizeAdapter, verifyManifest }
`

test('the packed package works in a folder of its own: command, subpaths, types', async t => {
  const { folder, installed, files, tarballBytes } = await packed(t)

  const paths = files.map(({ path }) => path)
  const strangers = paths.filter(path => !/^(dist\/src\/|src\/|protocols\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path))
  t.deepEqual(strangers, [], 'no test, script, config or demo data is in it')
  t.deepEqual(
    paths.filter(path => /vectors\.json$|\.test\.|tsbuildinfo/.test(path)),
    []
  )
  t.true(tarballBytes < 2_000_000, `${tarballBytes} bytes`)
  for (const name of ['README.md', 'LICENSE', 'protocols/bundle/README.md', 'protocols/session/session.proto', 'src/index.ts'])
    t.true(paths.includes(name), name)

  const shell = await run(join(folder, 'node_modules/.bin/zklora'), ['--help'], { cwd: folder })
  t.regex(shell.stdout, /Usage: zklora[^]*generate[^]*verify/)

  const script = `const subpaths = ${JSON.stringify(SUBPATHS)}
for (const [name, exported] of Object.entries(subpaths)) {
  const module = await import(name)
  for (const one of exported) if (typeof module[one] !== 'function') throw new Error(name + ' has no ' + one)
}
const { verifyProofFile } = await import('zklora/verify')
console.log(verifyProofFile('x', new Uint8Array(3)).verdict)`
  await writeFile(join(folder, 'use.mjs'), script)
  t.is((await run(process.execPath, ['use.mjs'], { cwd: folder })).stdout.trim(), 'unchecked')
  await t.throwsAsync(run(process.execPath, ['--input-type=module', '-e', "import 'zklora/dist/src/store/index.js'"], { cwd: folder }), {
    message: /ERR_PACKAGE_PATH_NOT_EXPORTED/
  })
  const { exports } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  t.deepEqual(
    Object.keys(exports).filter(name => name !== './package.json'),
    Object.keys(SUBPATHS).map(name => name.replace('zklora', '.')),
    'every subpath is tried'
  )

  await writeFile(join(folder, 'use.mts'), CONSUMER)
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler']
  ]) {
    const settings = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'es2022',
      '--module',
      module!,
      '--moduleResolution',
      moduleResolution!
    ]
    const tsc = run(process.execPath, [resolve('node_modules/typescript/bin/tsc'), ...settings, 'use.mts'], { cwd: folder })
    const { stdout } = await tsc.catch(error => error as { stdout: string })
    t.is(stdout, '', moduleResolution)
  }
})
