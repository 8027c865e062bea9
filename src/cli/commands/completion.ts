/** `zklora completion`: scripts for shells, made from the commands as they are. */
import { Argument, type Command } from 'commander'
import type { Bind } from '../program.js'
import { NO_JSON } from '../shapes/index.js'

const SHELLS = ['bash', 'zsh', 'fish'] as const

interface Node {
  /** Words after `zklora`; none for the program itself. */
  readonly path: string
  readonly commands: readonly { name: string; summary: string }[]
  readonly options: readonly { flag: string; description: string }[]
}

function nodesOf(command: Command, path = ''): Node[] {
  const visible = command.commands.filter(each => each.name() !== 'help')
  const node = {
    path,
    commands: visible.map(each => ({ name: each.name(), summary: each.summary() || each.description() })),
    options: [
      ...command.options.map(({ long, description }) => ({ flag: long!, description })),
      { flag: '--help', description: 'show help' }
    ]
  }
  return [node, ...visible.flatMap(each => nodesOf(each, path === '' ? each.name() : `${path} ${each.name()}`))]
}

/** Commands and options of the words before; files where neither fits. */
function bash(nodes: readonly Node[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `"${path}"`)
  const words = nodes.map(({ path, commands, options }) => {
    return `    "${path}") words="${[...commands.map(({ name }) => name), ...options.map(({ flag }) => flag)].join(' ')}" ;;`
  })
  return `# zklora completion bash
_zklora() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.join(' | ')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _zklora zklora
`
}

function zsh(nodes: readonly Node[]): string {
  return `#compdef zklora
# zklora completion zsh: the script for bash, which zsh understands
autoload -U +X bashcompinit && bashcompinit
${bash(nodes)}`
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, commands, options }) => {
    const seen = path
      .split(' ')
      .map(word => `__fish_seen_subcommand_from ${word}`)
      .join('; and ')
    const below = commands.length === 0 ? '' : `; and not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}`
    const when = path === '' ? '__fish_use_subcommand' : `${seen}${below}`
    return [
      ...commands.map(({ name, summary }) => `complete -c zklora -f -n ${quoted(when)} -a ${name} -d ${quoted(summary)}`),
      ...options.map(({ flag, description }) => `complete -c zklora -n ${quoted(when)} -l ${flag.slice(2)} -d ${quoted(description)}`)
    ]
  })
  return `# zklora completion fish\n${lines.join('\n')}\n`
}

export function completionCommand(program: Command, bind: Bind): void {
  const command = program
    .command('completion')
    .summary('print a completion script for your shell')
    .description('Prints a script that completes commands and options. Read it in the start file of your shell.')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  $ zklora completion bash >> ~/.bashrc\n  $ zklora completion zsh > ~/.zfunc/_zklora\n  $ zklora completion fish > ~/.config/fish/completions/zklora.fish'
    )
  bind(command, {
    action: async (invocation, _flags, [shell]) => {
      const nodes = nodesOf(program)
      const script = { bash, zsh, fish }[shell as (typeof SHELLS)[number]](nodes)
      invocation.io.stdout.write(script)
      return 0
    },
    json: NO_JSON
  })
}
