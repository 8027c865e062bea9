import test from 'ava'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Results } from '../../scripts/bench/types.js'

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

function bench(...args: string[]): Promise<Ended> {
  return new Promise(resolve => {
    execFile(process.execPath, ['dist/scripts/bench.js', ...args], (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
    )
  })
}

const isFigure = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value > 0

test('kernel at its smallest sizes writes every figure beside the noble kernel, as JSON', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'bench.json')
  const { status, stdout, stderr } = await bench('kernel', '--tiny', '--seconds', '0.01', '--json', file)
  t.is(status, 0, stderr)
  const results = JSON.parse(await readFile(file, 'utf8')) as Results
  t.is(results.node, process.version)
  t.regex(results.machine, /cores?, \d+ GiB/)
  t.deepEqual(results.skipped, [])
  const names = new Set(results.cases.map(row => row.case))
  t.deepEqual([...names], ['field', 'commit8/8', 'commit16/8', 'msm252/16', 'decode', 'encode', 'fold', 'inner', 'hash'])
  for (const row of results.cases) {
    t.is(row.bench, 'kernel')
    t.true(stdout.includes(row.metric))
    t.true(isFigure(row.median) && isFigure(row.min) && row.min <= row.median, row.case)
    t.true(Number.isInteger(row.runs) && row.runs >= 3, row.case)
    t.regex(row.yardstick!.name, /^noble/)
    t.is(row.ratio, row.median / row.yardstick!.median)
  }
  t.truthy(results.cases.find(({ case: name, metric }) => name === 'decode' && /^pointOn\d+Threads$/.test(metric)))
})

test('an unknown name is an error that lists the names', async t => {
  const { status, stderr } = await bench('kernels')
  t.is(status, 2)
  t.regex(stderr, /no benchmark "kernels": names are kernel, adapter, session, verify, rpc, serve/)
  const part = await bench('session/gpt2')
  t.is(part.status, 2)
  t.regex(part.stderr, /parts of session are demo, distilgpt2-10, distilgpt2-128, llama8b-qv, llama8b-all\n/)
})

test('options that make no sense are errors of usage', async t => {
  t.regex((await bench('--budget', 'long')).stderr, /--budget is long; it must be a number of seconds above 0/)
  t.is((await bench('--jsom', 'x')).status, 2)
})
