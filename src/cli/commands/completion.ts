/** `zklora completion`: a script that completes commands and flags, made from the tree of commands. */
import { Argument, type Command } from 'commander'
import type { Bind } from '../program.js'

export function completionCommand(program: Command, bind: Bind): void {
  const command = program
    .command('completion')
    .summary('a script that completes commands and flags in the shell')
    .description('Writes a script for the shell that completes commands and flags.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash']))
    .addHelpText('after', '\nExample:\n  $ zklora completion bash > ~/.local/share/bash-completion/completions/zklora')
  bind(command, {
    action: async invocation => {
      invocation.output.lines(bashScript(program))
      return 0
    }
  })
}

/** The words that may follow each path of commands (` adapter add`; the program's own is empty). */
function wordsByPath(command: Command, path = ''): [path: string, words: string[]][] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command).map(each => each.name())
  const flags = help.visibleOptions(command).flatMap(({ long }) => long ?? [])
  return [[path, [...commands, ...flags]], ...command.commands.flatMap(each => wordsByPath(each, `${path} ${each.name()}`))]
}

function bashScript(program: Command): string[] {
  const all = wordsByPath(program)
  const paths = all.flatMap(([path]) => (path === '' ? [] : `'${path}'`))
  return [
    '_zklora() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" path="" words="" word',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `    case "$path $word" in ${paths.join('|')}) path="$path $word" ;; esac`,
    '  done',
    '  case "$path" in',
    ...all.map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`),
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    'complete -o default -F _zklora zklora'
  ]
}
