/** The sample scripts as separate processes: what a newcomer copies has to work. */
import test, { type ExecutionContext } from 'ava'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from '../daemon/folders.js'

const FOLDER = 'dist/scripts/samples'

interface Sample {
  readonly child: ChildProcess
  readonly lines: string[]
  /** The rest of the first line that begins so. */
  line(beginning: string): Promise<string>
  ended: Promise<number | null>
}

function run(t: ExecutionContext, name: string, argv: readonly string[]): Sample {
  const child = spawn(process.execPath, [join(FOLDER, `${name}.js`), ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = once(child, 'close').then(([status]) => status as number | null)
  const reader = createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const line = async (beginning: string): Promise<string> => {
    for (;;) {
      const found = lines.find(each => each.startsWith(beginning))
      if (found !== undefined) return found.slice(beginning.length)
      const more = once(reader, 'line')
      if ((await Promise.race([more, ended.then(() => 'ended' as const)])) === 'ended') throw new Error(`${name} ended: ${errors}`)
    }
  }
  return { child, lines, line, ended }
}

test('a contributor, a user and a verifier of some lines each do the main job', async t => {
  const out = await temporaryFolder(t)
  const [served, used] = [join(out, 'contributor'), join(out, 'user')]
  const contributor = run(t, 'contributor', ['--out', served])
  const address = await contributor.line('listening ')
  t.deepEqual(contributor.lines.filter(line => line.startsWith('module ')).length, 6, 'the six target modules of the adapter')

  const user = run(t, 'base-model-user', ['--contributor', address, '--tokens', '4', '--out', used])
  t.is(await user.ended, 0)
  t.regex(user.lines.join('\n'), /adapter kjv-llama[^]*loss \d\.\d{4}[^]*text "[^]*proof [0-9a-f]{64}: \d+ rows, announced, /)

  contributor.child.kill('SIGINT')
  t.is(await contributor.ended, 0)
  const [file] = await readdir(used)
  t.deepEqual(await readdir(served), [file!])
  t.deepEqual(await readFile(join(served, file!)), await readFile(join(used, file!)), 'both sides hold the same proof')

  const verifier = run(t, 'verify-proofs', [out])
  t.is(await verifier.ended, 1, 'a folder without proofs is no success')
  const verified = run(t, 'verify-proofs', [used])
  t.is(await verified.ended, 0)
  t.regex(verified.lines.join('\n'), /valid, \d+ rows of kjv-llama\n1 of 1 proofs are valid/)
})

test('each sample has fewer than 60 lines', async t => {
  for (const name of await readdir('scripts/samples')) {
    t.true((await readFile(join('scripts/samples', name), 'utf8')).split('\n').length < 60, name)
  }
})
