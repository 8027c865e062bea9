/** docs/settings.md, made from the schema that checks settings. */
import { readFile } from 'node:fs/promises'
import { format, type Options } from 'prettier'
import { variableOf } from '../../src/daemon/environment.js'
import { dotted, leaves } from '../../src/daemon/explain.js'
import { adapterSchema, DEFAULTS, settingsSchema } from '../../src/daemon/settings.js'
import { cell, table } from './table.js'

const HEAD = `# Settings

Made from the program by \`npm run docs\`; a test holds it against the program.

Defaults < config file (\`zklora.json\` in the data folder, or \`--config\`) < environment < flags. \`zklora init\` writes a config file to edit. Objects of several layers are joined key by key, lists are replaced. Folders in the config file are meant from the folder that it lies in. In the environment lists of texts are written with commas, and everything else as JSON
(\`ZKLORA_LIMITS_THREADS=2\`). A key that is not known or a value that is wrong is refused, with the nearest key that is right and the value expected. Keys (\`peer.key\`, tokens) are no settings: they lie in files of their own.
`

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value)
}

function rowOf(path: readonly string[], expected: string, more: readonly string[]): string[] {
  return [`\`${dotted(path)}\``, cell(expected), ...more]
}

export async function settingsFile(): Promise<string> {
  const settings = leaves(settingsSchema).map(({ path, expected }) => {
    const preset = valueAt(DEFAULTS, path)
    return rowOf(path, expected, [preset === undefined ? '' : `\`${JSON.stringify(preset)}\``, `\`${variableOf(path)}\``])
  })
  const adapter = leaves(adapterSchema).map(({ path, expected }) => rowOf(path, expected, []))
  const page = [
    HEAD,
    table([['key', 'value', 'default', 'environment'], ...settings]),
    '## An adapter of `adapters`',
    table([['key', 'value'], ...adapter])
  ].join('\n\n')
  const config = JSON.parse(await readFile('config/prettier.json', 'utf8')) as Options
  return format(page, { ...config, parser: 'markdown' })
}
