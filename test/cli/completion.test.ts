import test from 'ava'
import { execFileSync } from 'node:child_process'
import { zklora } from './terminal.js'

/** What bash offers for the last of these words. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await zklora(['completion', 'bash'])
  const line = `COMP_WORDS=(zklora "$@"); COMP_CWORD=$#; _zklora; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', `${stdout}\n${line}`, 'bash', ...words], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}

test('bash completes commands, commands of commands, and flags', async t => {
  t.deepEqual(await offered('gen'), ['generate'])
  t.deepEqual(await offered('model', 'ins'), ['inspect'])
  t.deepEqual(await offered('adapter', 'add', '--limit'), ['--limit-rows'])
  t.deepEqual(await offered('status', '--limit'), [])
})

test('completion for an unknown shell is wrong usage', async t => {
  const { status, stderr } = await zklora(['completion', 'tcsh'])
  t.is(status, 2)
  t.regex(stderr, /bash/)
})
