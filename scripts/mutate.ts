/**
 * Takes every security check out of the code, one at a time, in a copy of the build, and runs the tests that are to notice. A check
 * whose removal no test notices ends this with status 1, as does one whose text is not in the code any more.
 *
 *     npm run mutate [-- --json] [-- words of a rule or file …]
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { MUTATIONS, mutated, type Mutation } from './mutate/list.js'

interface Run {
  readonly green: boolean
  /** Names of tests that failed. */
  readonly failed: readonly string[]
  readonly output: string
}

interface Result {
  readonly rule: string
  readonly file: string
  readonly killed: boolean
  /** The first test that failed. */
  readonly by: string
}

/** Copies of the build, each worked on by one test process at a time: a copy is a few megabytes. */
const COPIES = 2
/** Milliseconds after which a mutant that hangs counts as noticed. */
const HANGS = 180_000

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } })
const chosen = MUTATIONS.filter(({ rule, file }) => positionals.every(word => `${rule} ${file}`.includes(word)))
// Without any, all tests would run.
if (chosen.length === 0) throw new Error(`no check has all these words in its rule and file: ${positionals.join(', ')}`)

const outOf = (file: string): string => `dist/${file.replace(/\.ts$/, '.js')}`
const testOf = (name: string): string => `dist/test/${name}.test.js`

function makeCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zklora-mutate-'))
  cpSync('dist', join(folder, 'dist'), { recursive: true })
  for (const name of ['node_modules', 'protocols', 'config', 'package.json', 'src', 'scripts', 'test']) {
    symlinkSync(join(process.cwd(), name), join(folder, name))
  }
  return folder
}

async function runTests(folder: string, tests: readonly string[]): Promise<Run> {
  const args = ['node_modules/ava/entrypoints/cli.mjs', '--tap', '--fail-fast', ...tests.map(testOf)]
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: HANGS })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()))
  const status = await new Promise<number | null>(resolve => child.once('close', resolve))
  const failed = output.split('\n').flatMap(line => (line.startsWith('not ok') ? [line.replace(/^not ok \d+ - /, '')] : []))
  return { green: status === 0, failed: status === null ? ['none: it hangs'] : failed, output }
}

/** @throws Error when the mutant does not even load: nothing is shown by that */
async function tryOne(folder: string, mutation: Mutation): Promise<Result> {
  const { rule, file, tests } = mutation
  const place = join(folder, outOf(file))
  const { outputText, diagnostics } = ts.transpileModule(mutated(mutation, readFileSync(file, 'utf8')), {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  })
  if (diagnostics!.length > 0) throw new Error(`${file} without "${rule}" is no TypeScript`)
  const original = readFileSync(place)
  writeFileSync(place, outputText)
  const { green, failed, output } = await runTests(folder, tests)
  writeFileSync(place, original)
  if (!green && (failed.length === 0 || /SyntaxError|ReferenceError|No tests found/.test(output))) {
    throw new Error(`${file} without "${rule}" does not run:\n${output.slice(-2000)}`)
  }
  return { rule, file, killed: !green, by: failed[0] ?? '' }
}

const results: Result[] = []
const folders = Array.from({ length: Math.min(COPIES, chosen.length) }, makeCopy)
try {
  const baseline = await runTests(folders[0]!, [...new Set(chosen.flatMap(({ tests }) => tests))])
  if (!baseline.green) throw new Error(`tests fail with nothing taken out:\n${baseline.output.slice(-3000)}`)
  const queue = [...chosen]
  await Promise.all(
    folders.map(async folder => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const result = await tryOne(folder, next)
        results.push(result)
        if (!values.json)
          console.log(`${result.killed ? 'noticed ' : 'SURVIVES'}  ${next.file}  ${next.rule}${result.killed ? `  (${result.by})` : ''}`)
      }
    })
  )
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
const survivors = results.filter(({ killed }) => !killed)
if (values.json) console.log(JSON.stringify({ total: results.length, killed: results.length - survivors.length, results }, null, 1))
else console.log(`${results.length - survivors.length} of ${results.length} are noticed`)
process.exitCode = survivors.length === 0 ? 0 : 1
