// Compiles src/kernel/assembly (AssemblyScript) and writes the module as a base64 string, so that Node, workers and browsers load it
// without a path or a fetch. Does nothing when the result is newer than every source.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SOURCE = join('src', 'kernel', 'assembly')
const TARGET = join('src', 'kernel', 'generated', 'kernel-wasm.ts')
const SCRIPT = join('scripts', 'build-kernel.mjs')
const OPTIONS = ['--enable', 'simd', '-O3', '--runtime', 'stub', '--noAssert', '--initialMemory', '16', '--disableWarning']

function isFresh() {
  if (!existsSync(TARGET)) return false
  const made = statSync(TARGET).mtimeMs
  return [SCRIPT, ...readdirSync(SOURCE, { recursive: true }).map(name => join(SOURCE, String(name)))].every(
    file => statSync(file).mtimeMs < made
  )
}

/** @throws Error with the compiler's exit status */
export function buildKernel() {
  if (isFresh()) return
  const folder = mkdtempSync(join(tmpdir(), 'zklora-kernel-'))
  try {
    const wasm = join(folder, 'kernel.wasm')
    const asc = join('node_modules', 'assemblyscript', 'bin', 'asc.js')
    const { status } = spawnSync(process.execPath, [asc, join(SOURCE, 'index.ts'), '-o', wasm, ...OPTIONS], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`the AssemblyScript compiler ended with status ${status}`)
    mkdirSync(join('src', 'kernel', 'generated'), { recursive: true })
    const module = readFileSync(wasm).toString('base64')
    writeFileSync(
      TARGET,
      `/** Made by ${SCRIPT} from ${SOURCE}: a WebAssembly module in base64. */\nexport const KERNEL_WASM =\n  '${module}'\n`
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}
