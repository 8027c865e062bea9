/** `zklora init`: identity, config file, data folder. */
import { link, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { checkFlags } from '../../daemon/config.js'
import { configFile, dataFolder, keyFile, privateFolder } from '../../daemon/paths.js'
import { DEFAULTS, type SettingsLayer } from '../../daemon/settings.js'
import { InvalidInputError } from '../../errors.js'
import { loadIdentity } from '../../roles/identity.js'
import { systemReason } from '../../roles/system-error.js'
import type { Role } from '../../roles/types.js'
import { collect, common, network, networkLayer, type CommonFlags, type NetworkFlags } from '../options.js'
import type { Bind } from '../program.js'
import { safe } from '../render/style.js'
import { document, initResult } from '../shapes/index.js'

interface InitFlags extends CommonFlags, NetworkFlags {
  role?: Role[]
  listen?: string[]
  force?: boolean
}

/** A whole file or none; one that is there is replaced only when `force` is set. */
async function writeConfig(file: string, settings: SettingsLayer, force: boolean): Promise<void> {
  const text = `${JSON.stringify(settings, null, 2)}\n`
  try {
    const draft = `${file}.${process.pid}.part`
    try {
      await writeFile(draft, text, { flag: 'wx', mode: 0o600 })
      // A link never takes the place of what is there.
      await (force ? rename(draft, file) : link(draft, file))
    } finally {
      await rm(draft, { force: true })
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new InvalidInputError(`config file ${file} is there already: edit it, or --force overwrites it`, { cause })
    throw new InvalidInputError(`config file ${file} cannot be written (${systemReason(cause)}); --config chooses another`, { cause })
  }
}

export function initCommand(program: Command, bind: Bind): void {
  const command = program
    .command('init')
    .summary('make an identity, a config file and a data folder')
    .description('Makes the data folder, the key that this node is known by, and a config file. A key that is there is always kept.')
    .option('--role <role>', 'contributor, user, verifier or bootstrap (repeatable; default user and verifier)', collect)
    .option('--listen <multiaddr>', 'where to listen (repeatable; default /ip4/0.0.0.0/tcp/0)', collect)
    .option('--force', 'overwrite the config file; the identity stays')
  bind(common(network(command), ['zklora init', 'zklora init --role verifier --listen /ip4/0.0.0.0/tcp/4001']), {
    action: async (invocation, flags: InitFlags) => {
      const { role: roles = DEFAULTS.roles, listen = DEFAULTS.listen } = flags
      const settings = checkFlags({ roles, listen, ...networkLayer(flags) })
      const dataDir = dataFolder(invocation.io.env, flags.dataDir)
      const file = configFile(dataDir, flags.config ?? invocation.io.env['ZKLORA_CONFIG'])
      await privateFolder(dataDir)
      await writeConfig(file, settings, flags.force === true)
      const { key, made } = await loadIdentity(keyFile(dataDir))
      const peerId = key.publicKey.toString()
      invocation.result({ peerId, identityMade: made, keyFile: keyFile(dataDir), configFile: file, dataDir }, [
        `peer    ${peerId}${made ? '' : ' (the identity that was there)'}`,
        `key     ${safe(keyFile(dataDir))} (keep it as you would keep a password)`,
        `config  ${safe(file)}`,
        `Next: ${dirname(file) === dataDir ? 'zklora start' : `zklora start --config ${safe(file)}`} runs the node; zklora start --help lists its roles`
      ])
      return 0
    },
    json: document(initResult)
  })
}
