/** What a command writes under `--json`, held against the shape that docs/commands.md shows: no field more, none less. */
import { documented, type Documented } from '../../src/cli/program.js'
import { written } from '../../src/cli/shapes/index.js'

const { commands } = documented()

/** `adapter add`, `status`. */
export function nameOf({ command }: Documented): string {
  return command.parent!.parent === null ? command.name() : `${command.parent!.name()} ${command.name()}`
}

/** All, by their names. */
export const COMMANDS = commands.map(nameOf)

/** Those that have `--json`. */
export const JSON_COMMANDS = commands.filter(({ command }) => command.options.some(({ long }) => long === '--json')).map(nameOf)

/** A check of each line that a command line writes on stdout; undefined without `--json`. @throws Error that names command and line */
export function strictly(argv: readonly string[]): ((line: string) => void) | undefined {
  if (!argv.includes('--json')) return undefined
  const found = commands.find(each => {
    const name = nameOf(each)
    return name === argv.slice(0, name.split(' ').length).join(' ')
  })
  if (found === undefined) return undefined
  const shape = written(found.json)
  return line => {
    const parsed = shape.safeParse(JSON.parse(line))
    if (!parsed.success)
      throw new Error(`zklora ${nameOf(found)} --json does not write what docs/commands.md says: ${line}\n${parsed.error.message}`)
  }
}
