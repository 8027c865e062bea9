/** Completion as the shell itself does it. */
import test from 'ava'
import { execFileSync, spawnSync } from 'node:child_process'
import { zklora } from './terminal.js'

/** What bash offers for the last word. */
function bash(script: string, words: readonly string[]): string[] {
  const line = words.map(word => `'${word}'`).join(' ')
  const program = `${script}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _zklora; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', program], { encoding: 'utf8' }).trim().split('\n')
}

test('bash completes commands, commands below them, options and files', async t => {
  const { stdout: script, status } = await zklora(['completion', 'bash'])
  t.is(status, 0)
  t.deepEqual(bash(script, ['zklora', 'ad']), ['adapter'])
  t.true(bash(script, ['zklora', '']).includes('generate'))
  t.deepEqual(bash(script, ['zklora', 'adapter', 're']), ['remove'])
  t.deepEqual(bash(script, ['zklora', 'adapter', 'add', '--lim']), ['--limit-rows'])
  t.deepEqual(bash(script, ['zklora', 'generate', 'a prompt', '--see']), ['--seed'])
  t.deepEqual(bash(script, ['zklora', 'verify', 'package.js']), ['package.json'])
})

test('zsh gets the same through its own means, fish its own lines, other shells the choices', async t => {
  t.regex((await zklora(['completion', 'zsh'])).stdout, /^#compdef zklora\n[^]*bashcompinit[^]*complete -o filenames -F _zklora zklora\n$/)
  const fish = (await zklora(['completion', 'fish'])).stdout
  t.regex(
    fish,
    /complete -c zklora -f -n '__fish_seen_subcommand_from adapter; and not __fish_seen_subcommand_from add list remove' -a add -d '/
  )
  for (const line of fish.trim().split('\n')) t.regex(line, /^(# |complete -c zklora )/)
  t.is(spawnSync('bash', ['-n', '-c', fish]).status, 0, 'each quotation of it ends')
  const other = await zklora(['completion', 'tcsh'])
  t.is(other.status, 2)
  t.regex(other.stderr, /Allowed choices are bash, zsh, fish/)
})
