/** docs/commands.md, made from the program itself. */
import { readFile } from 'node:fs/promises'
import { Help, type Argument, type Command, type Option } from 'commander'
import { format, type Options } from 'prettier'
import { documented, type Documented } from '../../src/cli/program.js'
import { EVENTS, failure } from '../../src/cli/shapes/index.js'
import { renderShape } from './shape.js'
import { cell, table } from './table.js'

const HEAD = `# The commands of zklora

Made from the program by \`npm run docs\`; a test holds it against the program, and what real processes write under \`--json\` against the shapes.

Results go to stdout, state and sentences to stderr. With \`--json\` stdout has JSON alone, in UTF-8: one document on one line, or, where it says so, a line for each event as it comes. A command that fails writes \`{ "error": Failure }\` in place of the document, or \`{ "type": "error", "error": Failure }\` as its last line; wrong flags are
refused before that, by a sentence on stderr and exit status 2. Fields are added in later versions, and none is taken away or changed without a line in CHANGELOG.md.

Settings: defaults < config file < environment (\`ZKLORA_…\`) < flags ([all of them](settings.md)). While a daemon runs on the data folder, commands speak to it ([how](control-socket.md)).
`

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** What stands under the options in its help. */
function examplesOf(command: Command): string[] {
  let help = ''
  command.configureOutput({ writeOut: text => (help += text) }).outputHelp()
  return [...help.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line!)
}

const argumentRow = (argument: Argument): string[] => [`\`${new Help().argumentTerm(argument)}\``, cell(argument.description)]
const optionRow = (option: Option): string[] => [
  `\`${option.flags.replaceAll('|', '\\|')}\``,
  cell(option.description) + (option.mandatory ? ' (required)' : '')
]

type Named = Map<string, readonly [string, string]>

function shapeOf({ json }: Documented, named: Named): string {
  if (json.result === null && json.events === null) return 'It has no `--json`.'
  const parts: string[] = []
  if (json.events !== null) parts.push(`A line for each event: ${json.events.map(name => `[\`${name}\`](#events)`).join(', ')}.`)
  if (json.result !== null) {
    const { text, named: more } = renderShape(json.result)
    for (const [name, shape] of more) named.set(name, shape)
    const what = json.events === null ? '`--json` writes' : 'The last line is `{ "type": "result", "result": … }` with'
    parts.push(`${what}\n\n\`\`\`ts\ntype Output = ${text}\n\`\`\``)
  }
  return parts.join(' ')
}

function section(each: Documented, named: Named): string {
  const { command, exits } = each
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.map(optionRow)]
  const own = Object.entries(exits).map(([status, meaning]) => `${status} ${meaning}`)
  return [
    `## ${pathOf(command)}`,
    command.description().replaceAll('\n', ' '),
    `\`\`\`\n${examplesOf(command).join('\n')}\n\`\`\``,
    ...(rows.length === 0 ? [] : [table([['', ''], ...rows])]),
    shapeOf(each, named),
    `Exit status: ${own.join('; ')}.`
  ].join('\n\n')
}

function eventsSection(named: Named): string {
  const rows = Object.entries(EVENTS).map(([name, schema]) => {
    const { text, named: more } = renderShape(schema)
    for (const [name, shape] of more) named.set(name, shape)
    return `// ${schema.description}\ntype ${name} = ${text}`
  })
  return `## Events\n\nOf \`start\`, \`watch\` and \`generate\`, each on a line of its own.\n\n\`\`\`ts\n${rows.join('\n\n')}\n\`\`\``
}

function shapesSection(named: Named): string {
  const shapes = [...named]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, [description, text]]) => `// ${description}\ntype ${name} = ${text}`)
  return `## Shapes\n\nIdentifiers, digests, roots and keys are 64 lower-case hexadecimal digits; peers and multiaddrs are libp2p’s strings; a field with \`?\` may be missing.\n\n\`\`\`ts\n${shapes.join('\n\n')}\n\`\`\``
}

/** The page, before it is formatted. */
export function commandsPage(): string {
  const named: Named = new Map()
  const { commands } = documented()
  const failed = renderShape(failure)
  for (const [name, shape] of failed.named) named.set(name, shape)
  const sections = commands.map(each => section(each, named))
  return `${[HEAD, ...sections, eventsSection(named), shapesSection(named)].join('\n\n')}\n`
}

/** The page as it is committed. */
export async function commandsFile(): Promise<string> {
  const options = JSON.parse(await readFile('config/prettier.json', 'utf8')) as Options
  return format(commandsPage(), { ...options, parser: 'markdown' })
}
