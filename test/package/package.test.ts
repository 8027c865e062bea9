/** What people install. */
import test from 'ava'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { encodeProofFile } from '../../src/proof/index.js'
import { honestBundle, register } from '../proof/fixture.js'
import { packed, run } from './packed.js'

const SUBPATHS = {
  zklora: ['createNode', 'LoRAServer', 'BaseModelClient', 'batchVerifyProofs', 'verifyProofFile'],
  'zklora/verify': ['verifyProofFile', 'InvalidProofError'],
  'zklora/proof': ['prove', 'verify', 'verifyManifest', 'commitAdapter'],
  'zklora/kernel': ['wasmKernel', 'nobleKernel'],
  'zklora/lora': ['quantizeAdapter', 'readPeftAdapter'],
  'zklora/session': ['UserSession', 'ContributorSession', 'decodeMessage']
}

/** Types are used where a wrong one would not compile. */
const CONSUMER = `
import { createNode, LoRAServer, type BatchVerification, batchVerifyProofs, type NodeOptions } from 'zklora'
import { verifyProofFile, type VerifyReport } from 'zklora/verify'
import { verifyManifest } from 'zklora/proof'
import { wasmKernel, type Kernel } from 'zklora/kernel'
import { quantizeAdapter } from 'zklora/lora'
import type { UserSession } from 'zklora/session'

const report: VerifyReport = verifyProofFile('x', new Uint8Array(3))
export const verdict: 'valid' | 'invalid' | 'unchecked' = report.verdict
export const kernel: Kernel = wasmKernel()
export async function all(options: NodeOptions): Promise<BatchVerification> {
  await (await createNode(options)).stop()
  // @ts-expect-error: a folder is a string
  await batchVerifyProofs(5)
  return batchVerifyProofs('proofs')
}
export const rows = (session: UserSession): number => session.rowsLeft
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

  const zklora = (...args: string[]) => run('npx', ['--no-install', 'zklora', ...args], { cwd: folder })
  const shell = await zklora('--help')
  t.regex(shell.stdout, /Usage: zklora[^]*generate[^]*verify/)

  const { adapter } = register('package')
  const file = encodeProofFile({ manifest: adapter.manifest.bytes, bundles: [honestBundle(adapter, 'package').bundle] })
  await writeFile(join(folder, 'session.zkproof'), file)
  t.regex((await zklora('verify', '--json', 'session.zkproof')).stdout, /^\{"verdict":"valid"/)

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
  await mkdir(join(folder, 'node_modules/@types'))
  await symlink(resolve('node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler']
  ]) {
    const settings = [
      '--noEmit',
      '--strict',
      // Of the package's own declarations and its dependencies' too: what they need has to be there.
      '--lib',
      'es2023,dom,esnext.disposable',
      '--types',
      'node',
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
