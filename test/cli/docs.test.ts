/** docs/commands.md says what the program does: it is made from it, and here it is made again. */
import test from 'ava'
import { readFile } from 'node:fs/promises'
import { commandsFile, commandsPage } from '../../scripts/docs/commands.js'
import { settingsFile } from '../../scripts/docs/settings.js'
import { dotted, leaves } from '../../src/daemon/explain.js'
import { adapterSchema, settingsSchema } from '../../src/daemon/settings.js'
import { documented } from '../../src/cli/program.js'
import { NO_JSON } from '../../src/cli/shapes/index.js'
import { status } from '../daemon/small-node.js'
import { strictly } from './strict.js'

test('docs/commands.md is what the program says', async t => {
  const committed = await readFile('docs/commands.md', 'utf8')
  t.is(committed, await commandsFile(), 'docs/commands.md is not what the program says: run `npm run docs` and commit it')
})

test('docs/settings.md is what the program says, with a value expected for every key', async t => {
  const page = await settingsFile()
  t.is(await readFile('docs/settings.md', 'utf8'), page, 'docs/settings.md is not what the program says: run `npm run docs` and commit it')
  for (const { path, expected } of [...leaves(settingsSchema), ...leaves(adapterSchema)]) t.not(expected, '', dotted(path))
})

test('every command and every flag of it stands on the page', t => {
  const page = commandsPage()
  const { program, commands } = documented()
  const leaves = (command: typeof program): (typeof program)[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
  t.deepEqual(
    commands.map(({ command }) => command),
    leaves(program),
    'every command is bound'
  )
  for (const { command } of commands) {
    const path = command.parent!.parent === null ? command.name() : `${command.parent!.name()} ${command.name()}`
    const section = page.split(`\n## zklora ${path}\n`)[1]?.split('\n## ')[0]
    t.true(section !== undefined, path)
    for (const { long } of command.options) t.true(section!.includes(`${long!}`), `${path} ${long}`)
  }
})

test('a command has the flag --json exactly when it has a shape', t => {
  for (const { command, json } of documented().commands) {
    t.is(
      command.options.some(({ long }) => long === '--json'),
      json !== NO_JSON,
      command.name()
    )
  }
})

test('a field more or less than documented is noticed', t => {
  const check = strictly(['status', '--json'])!
  const { uptime, ...less } = status
  t.notThrows(() => check(JSON.stringify({ uptime, ...less })))
  t.throws(() => check(JSON.stringify(less)), { message: /uptime/ })
  t.throws(() => check(JSON.stringify({ ...status, secret: 1 })), { message: /secret/ })
})
