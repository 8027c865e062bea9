// Builds what is generated and compiles: codecs from protocols/*/*.proto, the kernel's WebAssembly, then TypeScript into dist/.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildKernel } from './build-kernel.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

function run(file, args) {
  const { status } = spawnSync(process.execPath, [file, ...args], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const generated = join('src', 'wire', 'generated')
mkdirSync(generated, { recursive: true })
const protos = readdirSync('protocols', { recursive: true })
  .map(String)
  .filter(name => name.endsWith('.proto'))
  .map(name => join('protocols', name))
for (const proto of protos) {
  const target = join(generated, `${basename(proto, '.proto')}.ts`)
  if (existsSync(target) && statSync(target).mtimeMs > statSync(proto).mtimeMs) continue
  run(join('node_modules', 'protons', 'dist', 'bin', 'protons.js'), ['--strict', '--output', generated, proto])
}

buildKernel()

// A file that was renamed must not live on in dist/ as a test that still runs.
for (const name of existsSync('dist') ? readdirSync('dist', { recursive: true }).map(String) : []) {
  if (!/^(src|test|scripts)[\\/].*\.js$/.test(name)) continue
  if (existsSync(name.replace(/\.js$/, '.ts'))) continue
  for (const ending of ['.js', '.js.map', '.d.ts']) rmSync(join('dist', name.replace(/\.js$/, ending)), { force: true })
}
run(join('node_modules', 'typescript', 'bin', 'tsc'), ['--project', 'tsconfig.json'])
const bin = join('dist', 'src', 'cli', 'main.js')
if (existsSync(bin)) chmodSync(bin, 0o755)
