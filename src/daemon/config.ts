/** Where settings come from: defaults < config file < environment < flags. */
import { dirname, resolve } from 'node:path'
import { InvalidInputError, LimitExceededError } from '../errors.js'
import { readAtMost } from '../hub/index.js'
import { IDENTIFIER } from '../roles/base-model.js'
import { systemReason } from '../roles/system-error.js'
import { environmentLayer, TOKEN_VARIABLE } from './environment.js'
import { check, dotted } from './explain.js'
import { configFile, dataFolder } from './paths.js'
import { mergeSettings, settingsSchema, type Settings, type SettingsLayer } from './settings.js'

export interface ConfigSources {
  env: Readonly<Record<string, string | undefined>>
  /** `--data-dir`, `--config`. */
  dataDir?: string | undefined
  config?: string | undefined
  /** What flags say, in the names of the config file. */
  flags?: SettingsLayer | undefined
}

export interface Config {
  dataDir: string
  /** Null: there is none, which is not an error unless it was named. */
  file: string | null
  settings: Settings
  /** What ZKLORA_HTTP_TOKEN says. */
  httpToken?: string | undefined
}

/** Bytes: thousands of adapters fit; what is larger is another file. */
const MOST_CONFIG_BYTES = 1024 * 1024

/** `--private-addresses` for `network.privateAddresses`; flags of lists are written without their index. */
function flagOf(path: readonly PropertyKey[]): string {
  const names = path.filter(part => typeof part === 'string')
  const last = names[0] === 'http' ? ['http', ...names.slice(1).filter(name => name !== 'enabled')].join('-') : (names.at(-1) ?? '')
  const single: Record<string, string> = { roles: 'role', adapters: 'adapter' }
  return `--${(single[last] ?? last).replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

/** A folder or a name of "models" stays what it is; a relative folder is meant from the config file. */
function anchored(layer: SettingsLayer, folder: string): SettingsLayer {
  const models = layer.models && Object.fromEntries(Object.entries(layer.models).map(([name, path]) => [name, resolve(folder, path)]))
  const adapters = layer.adapters?.map(adapter => ({
    ...adapter,
    folder: resolve(folder, adapter.folder),
    base: models?.[adapter.base] ?? resolve(folder, adapter.base)
  }))
  const http = layer.http?.tokenFile === undefined ? layer.http : { ...layer.http, tokenFile: resolve(folder, layer.http.tokenFile) }
  const follow = layer.network?.follow?.map(base => (IDENTIFIER.test(base) ? base : (models?.[base] ?? resolve(folder, base))))
  const network = follow === undefined ? layer.network : { ...layer.network, follow }
  return { ...layer, ...(network && { network }), ...(http && { http }), ...(models && { models }), ...(adapters && { adapters }) }
}

/** What people write settings in elsewhere, told by the first line that says anything. */
function otherFormat(text: string): string {
  const line = text.split('\n').find(each => !/^\s*(#.*)?$/.test(each)) ?? ''
  if (/^\s*(\[+[\w.-]+\]+|[\w.-]+\s*=)/.test(line)) return ' (it looks like TOML)'
  if (/^\s*(---|- |[\w.-]+:(\s|$))/.test(line)) return ' (it looks like YAML)'
  return ''
}

async function fileLayer(file: string, named: boolean): Promise<SettingsLayer | null> {
  let text: string
  try {
    text = (await readAtMost(file, MOST_CONFIG_BYTES, `bytes of the config file ${file}`, 'there')).toString('utf8')
  } catch (cause) {
    if (cause instanceof LimitExceededError) throw new InvalidInputError(`${cause.message}: it is another file`, { cause })
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && !named) return null
    throw new InvalidInputError(`config file ${file} cannot be read (${systemReason(cause)})`, { cause })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const message = (cause as Error).message.replace(/\s+/g, ' ')
    throw new InvalidInputError(`config file ${file} is not JSON${otherFormat(text)}: ${message}; zklora init writes one to start from`, {
      cause
    })
  }
  const layer = check(settingsSchema, value, { place: `config file ${file}`, nameOf: dotted })
  return anchored(layer, dirname(file))
}

/** Settings that flags gave. @throws InvalidInputError that names the flag and the value expected */
export function checkFlags(flags: SettingsLayer): SettingsLayer {
  return check(settingsSchema, flags, { place: 'command line', nameOf: flagOf })
}

/** @throws InvalidInputError that names the source, the wrong key and the value expected. */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const dataDir = dataFolder(sources.env, sources.dataDir)
  const named = sources.config ?? sources.env['ZKLORA_CONFIG']
  const file = configFile(dataDir, named)
  const fromFile = await fileLayer(file, named !== undefined)
  const fromEnvironment = anchored(environmentLayer(sources.env), process.cwd())
  const httpToken = sources.env[TOKEN_VARIABLE]
  const flags = checkFlags(sources.flags ?? {})
  return {
    dataDir,
    file: fromFile === null ? null : file,
    settings: mergeSettings([fromFile ?? {}, fromEnvironment, anchored(flags, process.cwd())]),
    ...(httpToken !== undefined && { httpToken })
  }
}

/** The folder that `--base` means: a name of "models", or a path from the working directory. */
export function baseFolder(settings: Settings, base: string): string {
  return settings.models[base] ?? resolve(base)
}
