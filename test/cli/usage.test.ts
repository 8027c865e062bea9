/** What is typed wrongly, the help against it, and what every command says of an error. */
import test from 'ava'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NotFoundError } from '../../src/errors.js'
import { daemon } from './daemon.js'
import { COMMANDS, JSON_COMMANDS } from './strict.js'
import { zklora } from './terminal.js'

const usage = test.macro({
  exec: async (t, argv: string[], message: RegExp) => {
    const { status, stdout, stderr } = await zklora(argv)
    t.is(status, 2)
    t.is(stdout, '')
    t.regex(stderr, message)
  },
  title: (_, argv: string[]) => `wrong usage is refused with status 2: ${argv.join(' ')}`
})

test(usage, ['generat'], /unknown command 'generat'\n\(Did you mean generate\?\)/)
test(usage, ['generate', 'x'], /required option '--base <folder>'/)
test(usage, ['generate', '--base', 'm'], /missing required argument 'prompt'/)
test(usage, ['generate', 'x', '--base', 'm', '--top-p', '2'], /expected is a number above 0, at most 1/)
test(usage, ['generate', 'x', '--base', 'm', '--seed', '-1'], /expected is a whole number from 0/)
test(usage, ['status', '--jsn'], /unknown option '--jsn'\n\(Did you mean --json\?\)/)
test(usage, ['adapter', 'ad'], /Did you mean add\?/)
test(usage, ['export', 'abc'], /missing required argument 'file'/)
test(usage, ['start', '--role', 'guest'], /--role is "guest", expected is a list of contributor/)
test(usage, ['start', '--listen', 'here'], /--listen is "here", expected is a list of multiaddrs/)
test(
  usage,
  ['start', '--adapter', 'a', '--adapter', 'b', '--base', 'm', '--base', 'n', '--base', 'o'],
  /2 times --adapter and 3 times --base/
)
test(usage, ['start', '--base', 'm', '--adapter', 'a', '--name', 'x', '--name', 'y'], /1 times --adapter and 2 times --name/)
test(usage, ['start', '--adapter', 'a', '--base', 'm'], /adapters are set, but the roles are user, verifier: add the role contributor/)

test('every command has help with an example', async t => {
  const names = [[], ['adapter'], ...COMMANDS.map(name => name.split(' '))]
  for (const name of names) {
    const { status, stdout } = await zklora([...name, '--help'])
    t.is(status, 0)
    t.regex(stdout, new RegExp(`Usage: zklora ${name.join(' ')}`))
    t.regex(stdout, /Examples?:\n {2}\$ zklora /)
    if (JSON_COMMANDS.includes(name.join(' ')))
      for (const flag of ['--json', '--data-dir', '--config']) t.true(stdout.includes(flag), `${name.join(' ')} ${flag}`)
  }
  t.is((await zklora(['--version'])).stdout.trim(), '0.1.0')
})

test('errors are a sentence; the stack only with ZKLORA_DEBUG', async t => {
  const { run, dataDir } = await daemon(t)
  await writeFile(join(dataDir, 'zklora.json'), '{"rols":[]}')
  const { status, stderr } = await run(['status'])
  t.is(status, 2)
  t.is(stderr, `zklora: config file ${join(dataDir, 'zklora.json')}: rols is not known; did you mean roles?\n`)
  await writeFile(join(dataDir, 'zklora.json'), '{')
  const debug = await run(['status'], { env: { ZKLORA_DEBUG: '1' } })
  t.regex(debug.stderr, /is not JSON.*\n.*InvalidInputError[^]*caused by SyntaxError/)
})

test('an error with what a file or a peer called itself does not move the cursor', async t => {
  const { run } = await daemon(t, {
    listAdapters: async () => {
      throw new NotFoundError('tensor \x1b[2Jmine\u202e is not there')
    }
  })
  t.is((await run(['adapter', 'list'])).stderr, 'zklora: tensor \ufffd[2Jmine\ufffd is not there\n')
})
